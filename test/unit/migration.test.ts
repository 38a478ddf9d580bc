import assert from "node:assert/strict";
import { Migration } from "../../components/migration";
import { app, labels } from "./appArgs";
import { deploy, resolve, types } from "./deployed";

describe("the migration", () => {
    const migration = () => new Migration("migration", { app, timeoutSeconds: 120 });

    it("is a Job and nothing else", async () => {
        const { deployed } = await deploy(migration);
        assert.deepEqual(deployed.listed(), ["migration (sms:migration:Migration)", "migration-job (kubernetes:batch/v1:Job)"]);
        assert.equal(deployed.one(types.job).parent, "migration");
    });

    it("runs once for each image and environment, and again after a failure: its name is Pulumi's, all else is what changes", async () => {
        const { inputs } = (await deploy(migration)).deployed.one(types.job);
        const { metadata, spec } = inputs;
        assert.deepEqual(metadata, { namespace: "sms", annotations: { "pulumi.com/replaceUnready": "true" } });
        assert.deepEqual([spec.backoffLimit, spec.ttlSecondsAfterFinished, spec.template.spec.restartPolicy], [0, undefined, "Never"]);
        assert.deepEqual(spec.template.metadata, { labels: labels("sms-migration") });
        const [container] = spec.template.spec.containers;
        assert.deepEqual([container.image, container.command], [app.image, ["python", "-m", "sms.migrate"]]);
        assert.deepEqual(container.envFrom, [{ secretRef: { name: "env-secret-1a2b3c4d" } }]);
        assert.equal(container.terminationMessagePolicy, "FallbackToLogsOnError");
    });

    it("ends by itself first, so that it tells what it was at; then by Kubernetes, then by Pulumi", async () => {
        const { inputs, timeouts } = (await deploy(migration)).deployed.one(types.job);
        const limit = inputs.spec.template.spec.containers[0].env.at(-1);
        assert.deepEqual(limit, { name: "MIGRATION_TIMEOUT_SECONDS", value: "120" });
        assert.deepEqual([inputs.spec.activeDeadlineSeconds, timeouts.create], [180, "210s"]);
    });

    it("comes before whatever is made of the app it gives, and leaves that as it was", async () => {
        const { result } = await deploy(migration);
        assert.deepEqual({ ...result.app, secretEnv: app.secretEnv }, app);
        assert.deepEqual(await resolve(result.app.secretEnv as never), { value: "env-secret-1a2b3c4d", secret: false });
    });
});
