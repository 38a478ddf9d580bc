import assert from "node:assert/strict";
import { Web } from "../../components/web";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import {
    app,
    calmly,
    deploymentMetadata,
    disruptionBudget,
    labels,
    mounts,
    nodeSelector,
    replicated,
    resources,
    scraped,
    secured,
    spread,
    volumes,
} from "./appArgs";

describe("web", () => {
    const args = { ...replicated, nodePort: 31090, workers: 2, threads: 16, preStopSeconds: 10, gracefulTimeoutSeconds: 30 };
    const web = () => new Web("web", args);
    const growing = () => new Web("web", { ...args, autoscale: { maxReplicas: 20, cpuPercent: 70 } });
    const ready = { httpGet: { path: "/readyz", port: 8004 }, timeoutSeconds: 5 };

    it("is a Deployment, a Service and a PodDisruptionBudget", async () => {
        const { deployed } = await deploy(web);
        assert.deepEqual(deployed.listed(), [
            "web (sms:web:Web)",
            "web-deployment (kubernetes:apps/v1:Deployment)",
            "web-disruption-budget (kubernetes:policy/v1:PodDisruptionBudget)",
            "web-service (kubernetes:core/v1:Service)",
        ]);
        for (const type of [types.deployment, types.disruptionBudget, types.service]) {
            assert.equal(deployed.one(type).parent, "web", type);
        }
    });

    it("runs the server in the set number of pods, with the origin's values", async () => {
        const { deployed } = await deploy(web);
        assert.deepEqual(deployed.one(types.deployment).inputs, {
            apiVersion: "apps/v1",
            kind: "Deployment",
            metadata: deploymentMetadata("sms-web"),
            spec: {
                replicas: 6,
                minReadySeconds: 10,
                revisionHistoryLimit: 5,
                progressDeadlineSeconds: 300,
                strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: 0 } },
                selector: { matchLabels: { app: "sms-web" } },
                template: {
                    metadata: { labels: labels("sms-web"), annotations: scraped("8005") },
                    spec: {
                        nodeSelector,
                        topologySpreadConstraints: spread("sms-web"),
                        automountServiceAccountToken: false,
                        enableServiceLinks: false,
                        securityContext: secured.pod,
                        imagePullSecrets: [{ name: "pull-secret" }],
                        terminationGracePeriodSeconds: 180,
                        containers: [
                            {
                                name: "sms-web",
                                image: app.image,
                                args: ["python", "-m", "sms.serve"],
                                workingDir: "/code",
                                env: [
                                    { name: "ENV", value: "online" },
                                    { name: "LOG_LEVEL", value: "DEBUG" },
                                    { name: "WEB_PORT", value: "8004" },
                                    { name: "WEB_WORKERS", value: "2" },
                                    { name: "WEB_THREADS", value: "16" },
                                    { name: "WEB_GRACEFUL_TIMEOUT_SECONDS", value: "30" },
                                ],
                                envFrom: [{ secretRef: { name: "env-secret-1a2b3c4d" } }],
                                ports: [
                                    { name: "http", containerPort: 8004 },
                                    { name: "metrics", containerPort: 8005 },
                                ],
                                resources,
                                startupProbe: { ...ready, periodSeconds: 2, failureThreshold: 75 },
                                readinessProbe: { ...ready, periodSeconds: 5, failureThreshold: 2 },
                                livenessProbe: {
                                    httpGet: { path: "/healthz", port: 8004 },
                                    timeoutSeconds: 5,
                                    periodSeconds: 10,
                                    failureThreshold: 3,
                                },
                                lifecycle: { preStop: { exec: { command: ["sh", "-c", "touch /tmp/draining; sleep 10"] } } },
                                terminationMessagePolicy: "FallbackToLogsOnError",
                                securityContext: secured.container,
                                volumeMounts: mounts,
                            },
                        ],
                        volumes,
                    },
                },
            },
        });
    });

    it("answers on one port of every node when its pods are ready", async () => {
        const { deployed, result } = await deploy(web);
        const { inputs, dependencies } = deployed.one(types.service);
        assert.deepEqual(inputs, {
            apiVersion: "v1",
            kind: "Service",
            metadata: { name: "sms-web", namespace: "sms", annotations: { "pulumi.com/skipAwait": "true" } },
            spec: {
                type: "NodePort",
                selector: { app: "sms-web" },
                ports: [{ protocol: "TCP", port: 8004, targetPort: 8004, nodePort: 31090 }],
            },
        });
        assert.deepEqual(dependencies, ["web-deployment"]);
        assert.deepEqual(await resolve(result.nodePort), { value: 31090, secret: false });
    });

    it("lets a drain evict one pod at a time, also the only one, and pods that aren't ready at any time", async () => {
        const { deployed } = await deploy(web);
        assert.deepEqual(deployed.one(types.disruptionBudget).inputs, disruptionBudget("sms-web"));
    });

    it("ends a rollout without progress, after Kubernetes has given the reason", async () => {
        const { deployed } = await deploy(web);
        assert.deepEqual(deployed.one(types.deployment).timeouts, { create: "330s", update: "330s" });
    });

    it("scales up by its container's CPU if set, and scales down slowly", async () => {
        const { deployed } = await deploy(growing);
        assert.deepEqual(deployed.one(types.autoscaler).inputs, {
            apiVersion: "autoscaling/v2",
            kind: "HorizontalPodAutoscaler",
            metadata: { name: "sms-web", namespace: "sms" },
            spec: {
                scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "sms-web" },
                minReplicas: 6,
                maxReplicas: 20,
                metrics: [
                    {
                        type: "ContainerResource",
                        containerResource: { container: "sms-web", name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
                    },
                ],
                behavior: calmly,
            },
        });
        assert.equal(deployed.one(types.autoscaler).parent, "web");
    });

    it("leaves the number of pods to the autoscaler, and sets it again if there is none", async () => {
        const autoscaled = await deploy(growing);
        const fixed = await deploy(web);
        for (const [{ deployed }, ignored, word] of [
            [autoscaled, ["spec.replicas"], "autoscaled"],
            [fixed, [], "fixed"],
        ] as const) {
            const { inputs, ignoreChanges } = deployed.one(types.deployment);
            assert.deepEqual([inputs.spec.replicas, ignoreChanges, inputs.metadata], [6, ignored, deploymentMetadata("sms-web", word)]);
        }
    });
});
