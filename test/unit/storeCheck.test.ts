import assert from "node:assert/strict";
import { StoreCheck } from "../../components/storeCheck";
import { Web } from "../../components/web";
import { app, labels, mounts, replicated, secured, volumes } from "./appArgs";
import { deploy, resolve, types } from "./deployed";

const { job } = types;

describe("the check of the stores", () => {
    const storeCheck = () => new StoreCheck("store-check", { app, timeoutSeconds: 300 });

    it("is a Job and nothing else", async () => {
        const { deployed } = await deploy(storeCheck);
        assert.deepEqual(deployed.listed(), [`store-check (sms:storeCheck:StoreCheck)`, `store-check-job (${job})`]);
        assert.equal(deployed.one(job).parent, "store-check");
    });

    it("runs once, with the app's image and Secret, in the app's own kind of pod, and leaves its reason where Pulumi looks", async () => {
        const { deployed } = await deploy(storeCheck);
        assert.deepEqual(deployed.one(job).inputs, {
            apiVersion: "batch/v1",
            kind: "Job",
            metadata: { namespace: "sms", annotations: { "pulumi.com/replaceUnready": "true" } },
            spec: {
                backoffLimit: 0,
                activeDeadlineSeconds: 300,
                template: {
                    metadata: { labels: labels("sms-store-check") },
                    spec: {
                        restartPolicy: "Never",
                        automountServiceAccountToken: false,
                        enableServiceLinks: false,
                        securityContext: secured.pod,
                        imagePullSecrets: [{ name: "pull-secret" }],
                        terminationGracePeriodSeconds: 1,
                        containers: [
                            {
                                name: "sms-store-check",
                                image: app.image,
                                command: [
                                    ...["python", "-m", "sms.check_stores"],
                                    ...["--redis-url-from", "sms:redisUrl (or sms:redisPassword)"],
                                    ...["--mongo-url-from", "sms:mongoUrl (or sms:mongoPassword)"],
                                ],
                                workingDir: "/code",
                                env: [
                                    { name: "ENV", value: "online" },
                                    { name: "LOG_LEVEL", value: "INFO" },
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

    it("has no log collector beside it, whatever the app has: a sidecar's start would count against the check", async () => {
        const collector = { image: "collector:1", resources: replicated.resources, config: "collector-1", secretEnv: "collector-2" };
        const { deployed } = await deploy(
            () =>
                new StoreCheck("store-check", {
                    app: { ...app, logs: { ...app.logs, collector: collector as never } },
                    timeoutSeconds: 300,
                }),
        );
        const { spec } = deployed.one(job).inputs.spec.template;
        assert.deepEqual([spec.initContainers, spec.containers.length, spec.volumes], [undefined, 1, volumes]);
    });

    it("leaves its name to Pulumi and stays when it has run, so that another one follows a change and none follows a refresh", async () => {
        const { inputs } = (await deploy(storeCheck)).deployed.one(job);
        assert.equal(inputs.metadata.name, undefined);
        assert.equal(inputs.spec.ttlSecondsAfterFinished, undefined);
    });

    it("gives up a little after Kubernetes does, so that it can tell the reason", async () => {
        const { deployed } = await deploy(storeCheck);
        assert.deepEqual(deployed.one(job).timeouts, { create: "330s", update: "" });
    });

    it("holds no secret, only the name of the one with the URLs", async () => {
        const { deployed, result } = await deploy(storeCheck);
        assert.deepEqual(deployed.one(job).secrets, []);
        assert.deepEqual(await resolve(result.app.secretEnv as never), { value: "env-secret-1a2b3c4d", secret: false });
    });

    it("comes before whatever is made of the app it gives, and leaves the rest of that as it was", async () => {
        const { deployed, result } = await deploy(() => {
            const check = storeCheck();
            const web = { ...replicated, app: check.app, nodePort: 31090, workers: 2, threads: 16 };
            new Web("web", { ...web, preStopSeconds: 10, gracefulTimeoutSeconds: 30 });
            return check;
        });
        const web = deployed.one("kubernetes:apps/v1:Deployment");
        assert.deepEqual(web.dependencies, ["store-check-job"]);
        assert.deepEqual(web.inputs.spec.template.spec.containers[0].envFrom, [{ secretRef: { name: "env-secret-1a2b3c4d" } }]);
        assert.deepEqual({ ...result.app, secretEnv: app.secretEnv }, app);
    });
});
