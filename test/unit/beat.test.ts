import assert from "node:assert/strict";
import { Beat } from "../../components/beat";
import { deploy, types } from "../../lab/fixtures/deployed";
import { labels, mounts, volumes, workload } from "./appArgs";

describe("beat", () => {
    const beat = () => new Beat("beat", { ...workload, gracePeriodSeconds: 30 });

    it("is a Deployment and nothing else", async () => {
        const { deployed } = await deploy(beat);
        assert.deepEqual(deployed.listed(), ["beat (sms:beat:Beat)", "beat-deployment (kubernetes:apps/v1:Deployment)"]);
        assert.equal(deployed.one(types.deployment).parent, "beat");
    });

    it("has one pod, and never two at a time", async () => {
        const { deployed } = await deploy(beat);
        const { metadata, spec } = deployed.one(types.deployment).inputs;
        assert.deepEqual(metadata, { name: "sms-beat", namespace: "sms" });
        assert.deepEqual([spec.replicas, spec.strategy], [1, { type: "Recreate" }]);
        assert.deepEqual([spec.selector, spec.template.metadata.labels], [{ matchLabels: { app: "sms-beat" } }, labels("sms-beat")]);
        assert.deepEqual([spec.revisionHistoryLimit, spec.progressDeadlineSeconds], [5, 300]);
        assert.equal(spec.template.spec.terminationGracePeriodSeconds, 30);
    });

    it("stores no data of its own", async () => {
        const { deployed } = await deploy(beat);
        const { spec } = deployed.one(types.deployment).inputs.spec.template;
        const [container] = spec.containers;
        assert.deepEqual(container.args, ["celery", "--quiet", "--app", "sms.celery", "beat", "--pidfile="]);
        assert.deepEqual([container.volumeMounts, spec.volumes], [mounts, volumes]);
    });

    it("is alive while it touches its heartbeat file", async () => {
        const { deployed } = await deploy(beat);
        const [container] = deployed.one(types.deployment).inputs.spec.template.spec.containers;
        for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
            assert.deepEqual(container[probe].exec.command, ["sh", "-c", 'test -n "$(find /tmp/beat.heartbeat -mmin -1)"']);
        }
        assert.deepEqual(container.env, [
            { name: "ENV", value: "online" },
            { name: "LOG_LEVEL", value: "DEBUG" },
        ]);
    });

    it("ends a rollout without progress, after Kubernetes has given the reason", async () => {
        const { deployed } = await deploy(beat);
        assert.deepEqual(deployed.one(types.deployment).timeouts, { create: "330s", update: "330s" });
    });
});
