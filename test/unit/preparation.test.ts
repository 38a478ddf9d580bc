import assert from "node:assert/strict";
import { Preparation } from "../../components/preparation";
import { Web } from "../../components/web";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { app, labels, mounts, nodeSelector, replicated, secured, volumes } from "./appArgs";

const { job } = types;

describe("the Job before a rollout", () => {
    const preparation = () => new Preparation("preparation", { app, timeoutSeconds: 120, rolloutTimeoutSeconds: 300 });

    it("is a Job and nothing else", async () => {
        const { deployed } = await deploy(preparation);
        assert.deepEqual(deployed.listed(), [`preparation (sms:preparation:Preparation)`, `preparation-job (${job})`]);
        assert.equal(deployed.one(job).parent, "preparation");
    });

    it("runs once, with the app's image and Secret in the app's own kind of pod, and writes its reason for Pulumi", async () => {
        const { deployed } = await deploy(preparation);
        assert.deepEqual(deployed.one(job).inputs, {
            apiVersion: "batch/v1",
            kind: "Job",
            metadata: { namespace: "sms", annotations: { "pulumi.com/replaceUnready": "true" } },
            spec: {
                backoffLimit: 0,
                activeDeadlineSeconds: 420,
                template: {
                    metadata: { labels: labels("sms-preparation") },
                    spec: {
                        restartPolicy: "Never",
                        nodeSelector,
                        automountServiceAccountToken: false,
                        enableServiceLinks: false,
                        securityContext: secured.pod,
                        imagePullSecrets: [{ name: "pull-secret" }],
                        terminationGracePeriodSeconds: 1,
                        containers: [
                            {
                                name: "sms-preparation",
                                image: app.image,
                                args: [
                                    ...["python", "-m", "sms.prepare"],
                                    ...["--redis-url-from", "sms:redisUrl (or sms:redisPassword)"],
                                    ...["--mongo-url-from", "sms:mongoUrl (or sms:mongoPassword)"],
                                ],
                                workingDir: "/code",
                                env: [
                                    { name: "ENV", value: "online" },
                                    { name: "LOG_LEVEL", value: "INFO" },
                                    { name: "MIGRATION_TIMEOUT_SECONDS", value: "120" },
                                ],
                                envFrom: [{ secretRef: { name: "env-secret-1a2b3c4d" } }],
                                resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } },
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

    it("has no log collector, because a sidecar's start would count against its time limit", async () => {
        const collector = { image: "collector:1", resources: replicated.resources, config: "collector-1", secretEnv: "collector-2" };
        const { deployed } = await deploy(
            () =>
                new Preparation("preparation", {
                    app: { ...app, logs: { ...app.logs, collector: collector as never } },
                    timeoutSeconds: 120,
                    rolloutTimeoutSeconds: 300,
                }),
        );
        const { spec } = deployed.one(job).inputs.spec.template;
        assert.deepEqual([spec.initContainers, spec.containers.length, spec.volumes], [undefined, 1, volumes]);
    });

    it("leaves its name to Pulumi and stays after its run, so that a change runs a new one and a refresh runs none", async () => {
        const { inputs } = (await deploy(preparation)).deployed.one(job);
        assert.equal(inputs.metadata.name, undefined);
        assert.equal(inputs.spec.ttlSecondsAfterFinished, undefined);
    });

    it("ends shortly after Kubernetes' limit, which follows the migration's own limit, so that each can report the reason", async () => {
        const { deployed } = await deploy(preparation);
        assert.deepEqual(deployed.one(job).timeouts, { create: "450s", update: "" });
    });

    it("contains no secret, only the name of the Secret with the URLs", async () => {
        const { deployed, result } = await deploy(preparation);
        assert.deepEqual(deployed.one(job).secrets, []);
        assert.deepEqual(await resolve(result.app.secretEnv as never), { value: "env-secret-1a2b3c4d", secret: false });
    });

    it("comes before all resources that use the returned app, which is otherwise unchanged", async () => {
        const { deployed, result } = await deploy(() => {
            const prepared = preparation();
            const web = { ...replicated, app: prepared.app, nodePort: 31090, workers: 2, threads: 16 };
            new Web("web", { ...web, preStopSeconds: 10, gracefulTimeoutSeconds: 30 });
            return prepared;
        });
        const web = deployed.one("kubernetes:apps/v1:Deployment");
        assert.deepEqual(web.dependencies, ["preparation-job"]);
        assert.deepEqual(web.inputs.spec.template.spec.containers[0].envFrom, [{ secretRef: { name: "env-secret-1a2b3c4d" } }]);
        assert.deepEqual({ ...result.app, secretEnv: app.secretEnv }, app);
    });
});
