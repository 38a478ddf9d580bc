import assert from "node:assert/strict";
import { type Run, TestStack } from "../../lab/fixtures/testStack";
import { kubectl } from "../../lab/machine/kubernetes";
import { until } from "../../toolchain/progress";

const namespace = "sms-scale";
const nodePort = 31105;

interface Deployment {
    metadata: { name: string };
    spec: { replicas: number };
}

function assertSucceeded({ exitCode, output }: Run): void {
    assert.equal(exitCode, 0, output);
}

describe("the number of pods on the real cluster", () => {
    let stack: TestStack;

    const replicas = async (name: string) =>
        (await stack.objects<Deployment>("deployments")).find(({ metadata }) => metadata.name === name)?.spec.replicas;
    const configure = (more: object) => stack.configure({ "sms:worker": { ...small, ...more } });
    const small = {
        ...{ replicas: 1, minReadySeconds: 1, rolloutTimeoutSeconds: 60, gracePeriodSeconds: 75 },
        resources: { requests: { cpu: "10m", memory: "64Mi" } },
    };

    const changeCode = () => stack.edit("app/sms/__init__.py", (content) => `${content}# ${Date.now()}\n`);

    before("up from nothing", async () => {
        stack = await TestStack.make(namespace, nodePort);
        await configure({});
        assertSucceeded(await stack.up());
    });

    after("remove", () => stack.clear());

    it("stays unchanged when an autoscaler is switched on", async () => {
        await configure({ replicas: 2 });
        assertSucceeded(await stack.up());
        await configure({ replicas: 2, autoscale: { maxReplicas: 4, cpuPercent: 1000 } });
        assertSucceeded(await stack.up());
        assert.equal(await replicas("sms-worker"), 2);
    });

    it("is left to the autoscaler, by an up without changes and by one with a rollout", async () => {
        // An idle worker already uses more CPU than this.
        await configure({ replicas: 2, autoscale: { maxReplicas: 4, cpuPercent: 1 } });
        assertSucceeded(await stack.up());
        await until(
            async () => (await replicas("sms-worker")) === 4,
            120,
            () => "the autoscaler doesn't scale",
        );
        assertSucceeded(await stack.up("--expect-no-changes"));
        assert.equal(await replicas("sms-worker"), 4);
        changeCode();
        assertSucceeded(await stack.up());
        assert.equal(await replicas("sms-worker"), 4);
        assertSucceeded(await stack.up("--refresh", "--expect-no-changes"));
        assert.equal(await replicas("sms-worker"), 4);
    });

    it("is again that of the stack file when the autoscaler is switched off, with --refresh after any change in between", async () => {
        await configure({ replicas: 2 });
        assertSucceeded(await stack.up());
        assert.equal((await stack.objects("horizontalpodautoscalers")).length, 0);
        assert.ok([2, 4].includes(Number(await replicas("sms-worker"))));
        await kubectl("--namespace", namespace, "scale", "deployment", "sms-worker", "--replicas", "4");
        assertSucceeded(await stack.up("--refresh"));
        assert.equal(await replicas("sms-worker"), 2);
    });

    it("grows when the app's own container is busy, here with the kubelet's probes", async () => {
        const web = { ...small, nodePort, preStopSeconds: 1, gracefulTimeoutSeconds: 5 };
        await stack.configure({ "sms:worker": small, "sms:web": { ...web, autoscale: { maxReplicas: 2, cpuPercent: 1 } } });
        assertSucceeded(await stack.up());
        await until(
            async () => (await replicas("sms-web")) === 2,
            // A node's metrics are at most a minute old. The autoscaler checks every 15 s.
            180,
            () => "still one after three minutes",
        );
        assertSucceeded(await stack.up("--expect-no-changes"));
        assert.equal(await replicas("sms-web"), 2);
    });

    it("is corrected by the next up with a rollout if an operator scaled by hand", async () => {
        await kubectl("--namespace", namespace, "scale", "deployment", "sms-worker", "--replicas", "3");
        changeCode();
        assertSucceeded(await stack.up());
        assert.equal(await replicas("sms-worker"), 1);
    });
});
