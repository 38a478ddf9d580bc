import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Worker } from "../../components/worker";
import { deploy, types } from "../../lab/fixtures/deployed";
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

describe("the worker", () => {
    const args = { ...replicated, concurrency: 8, queues: ["sms", "sms-maintenance"] };
    const worker = () => new Worker("worker", args);
    const growing = () => new Worker("worker", { ...args, autoscale: { maxReplicas: 20, cpuPercent: 70 } });
    const byQueue = () =>
        new Worker("worker", {
            ...args,
            autoscale: { kind: "queue", maxReplicas: 20, tasksPerPod: 100 },
            queueLengths: { authentication: pulumi.output("sms-redis"), databaseIndex: pulumi.output("0") },
        });
    const isFresh = { command: ["sh", "-c", 'test -n "$(find /tmp/worker.heartbeat -mmin -1)"'] };

    it("is a Deployment and a PodDisruptionBudget", async () => {
        const { deployed } = await deploy(worker);
        assert.deepEqual(deployed.listed(), [
            "worker (sms:worker:Worker)",
            "worker-deployment (kubernetes:apps/v1:Deployment)",
            "worker-disruption-budget (kubernetes:policy/v1:PodDisruptionBudget)",
        ]);
        assert.deepEqual([deployed.one(types.deployment).parent, deployed.one(types.disruptionBudget).parent], ["worker", "worker"]);
    });

    it("lets a drain evict one pod at a time, also the only one, and pods that aren't ready at any time", async () => {
        const { deployed } = await deploy(worker);
        assert.deepEqual(deployed.one(types.disruptionBudget).inputs, disruptionBudget("sms-worker"));
    });

    it("runs Celery, and is alive while it touches its heartbeat file", async () => {
        const { deployed } = await deploy(worker);
        assert.deepEqual(deployed.one(types.deployment).inputs, {
            apiVersion: "apps/v1",
            kind: "Deployment",
            metadata: deploymentMetadata("sms-worker"),
            spec: {
                replicas: 6,
                minReadySeconds: 10,
                revisionHistoryLimit: 5,
                progressDeadlineSeconds: 300,
                strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: 0 } },
                selector: { matchLabels: { app: "sms-worker" } },
                template: {
                    metadata: { labels: labels("sms-worker"), annotations: scraped("8005") },
                    spec: {
                        nodeSelector,
                        topologySpreadConstraints: spread("sms-worker"),
                        automountServiceAccountToken: false,
                        enableServiceLinks: false,
                        securityContext: secured.pod,
                        imagePullSecrets: [{ name: "pull-secret" }],
                        terminationGracePeriodSeconds: 180,
                        containers: [
                            {
                                name: "sms-worker",
                                image: app.image,
                                args: [
                                    ...["celery", "--quiet", "--app", "sms.celery", "worker"],
                                    ...["--without-mingle", "--without-gossip"],
                                ],
                                workingDir: "/code",
                                env: [
                                    { name: "ENV", value: "online" },
                                    { name: "LOG_LEVEL", value: "DEBUG" },
                                    { name: "WORKER_THREADS", value: "8" },
                                    { name: "WORKER_QUEUES", value: "sms,sms-maintenance" },
                                ],
                                envFrom: [{ secretRef: { name: "env-secret-1a2b3c4d" } }],
                                ports: [{ name: "metrics", containerPort: 8005 }],
                                resources,
                                startupProbe: { exec: isFresh, periodSeconds: 2, failureThreshold: 60, timeoutSeconds: 5 },
                                readinessProbe: { exec: isFresh, periodSeconds: 10, timeoutSeconds: 5 },
                                livenessProbe: { exec: isFresh, periodSeconds: 20, failureThreshold: 3, timeoutSeconds: 5 },
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

    it("has its own name and labels if it is one of several pools", async () => {
        const { deployed } = await deploy(() => new Worker("worker-bulk", { ...replicated, concurrency: 8, queues: ["sms"] }));
        const { metadata, spec } = deployed.one(types.deployment, "worker-bulk-deployment").inputs;
        assert.deepEqual(metadata, deploymentMetadata("sms-worker-bulk"));
        assert.deepEqual(
            [spec.selector.matchLabels, spec.template.metadata.labels],
            [{ app: "sms-worker-bulk" }, labels("sms-worker-bulk")],
        );
        assert.deepEqual(spec.template.spec.containers[0].env.at(-1), { name: "WORKER_QUEUES", value: "sms" });
        assert.deepEqual(deployed.one(types.disruptionBudget).inputs, disruptionBudget("sms-worker-bulk"));
    });

    it("ends a rollout without progress, after Kubernetes has given the reason", async () => {
        const { deployed } = await deploy(worker);
        assert.deepEqual(deployed.one(types.deployment).timeouts, { create: "330s", update: "330s" });
    });

    it("scales up by its container's CPU if set, and scales down slowly", async () => {
        const { deployed } = await deploy(growing);
        assert.deepEqual(deployed.one(types.autoscaler).inputs, {
            apiVersion: "autoscaling/v2",
            kind: "HorizontalPodAutoscaler",
            metadata: { name: "sms-worker", namespace: "sms" },
            spec: {
                scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "sms-worker" },
                minReplicas: 6,
                maxReplicas: 20,
                metrics: [
                    {
                        type: "ContainerResource",
                        containerResource: {
                            container: "sms-worker",
                            name: "cpu",
                            target: { type: "Utilization", averageUtilization: 70 },
                        },
                    },
                ],
                behavior: calmly,
            },
        });
        assert.equal(deployed.one(types.autoscaler).parent, "worker");
    });

    it("leaves the number of pods to the autoscaler, and sets it again if there is none", async () => {
        const autoscaled = await deploy(growing);
        const fixed = await deploy(worker);
        for (const [{ deployed }, ignored, word] of [
            [autoscaled, ["spec.replicas"], "autoscaled"],
            [fixed, [], "fixed"],
        ] as const) {
            const { inputs, ignoreChanges } = deployed.one(types.deployment);
            assert.deepEqual([inputs.spec.replicas, ignoreChanges, inputs.metadata], [6, ignored, deploymentMetadata("sms-worker", word)]);
        }
    });

    it("scales up by the waiting tasks in any of its queues, as KEDA counts them", async () => {
        const { deployed } = await deploy(byQueue);
        const { inputs, parent } = deployed.one(types.scaledObject);
        assert.deepEqual(inputs, {
            apiVersion: "keda.sh/v1alpha1",
            kind: "ScaledObject",
            metadata: { name: "sms-worker", namespace: "sms" },
            spec: {
                scaleTargetRef: { name: "sms-worker" },
                minReplicaCount: 6,
                maxReplicaCount: 20,
                advanced: { horizontalPodAutoscalerConfig: { behavior: calmly } },
                triggers: ["sms", "sms-maintenance"].map((listName) => ({
                    type: "redis",
                    metadata: { listName, listLength: "100", databaseIndex: "0" },
                    authenticationRef: { name: "sms-redis" },
                })),
            },
        });
        assert.equal(parent, "worker");
        assert.deepEqual(deployed.one(types.deployment).ignoreChanges, ["spec.replicas"]);
        assert.equal(deployed.resources.filter(({ type }) => type === types.autoscaler).length, 0);
    });
});
