import assert from "node:assert/strict";
import {
    accessKeySecret,
    different,
    end,
    gone,
    killCollector,
    type Line,
    namespace,
    pods,
    prepare,
    ready,
    Sls,
    writer,
} from "../../lab/fixtures/writers";
import { apply, kubectl } from "../../lab/machine/kubernetes";
import { until } from "../../toolchain/progress";
import { commandLines } from "./processes";

/** Asserts that all lines arrived, including the one that is marked as the last. */
function assertComplete(pod: string, lines: Line[]): void {
    const last = lines.find(({ fields }) => fields.last)?.fields.n;
    const arrived = new Set(lines.map(({ fields }) => fields.n));
    assert.notEqual(last, undefined, `${pod}: the last line; ${arrived.size} others have come, up to ${Math.max(...arrived)}`);
    const missing = Array.from({ length: (last as number) + 1 }, (_, n) => n).filter((n) => !arrived.has(n));
    assert.deepEqual(missing, [], `${pod}: lines that never came`);
}

describe("logs on the real cluster", () => {
    const sls = new Sls();

    before(async () => {
        await prepare(sls);
    });

    after(async () => {
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
        await sls.stop();
        sls.remove();
    });

    it("arrive completely from pods that end, each line once and with its origin", async () => {
        const names = Array.from({ length: 8 }, (_, index) => `ends-${index}`);
        await apply(...(await Promise.all(names.map((name) => writer(name)))));
        const running = (await Promise.all(names.map(ready))).flat();
        // One after the other: a busy kubelet would give a collector more time than a pod normally has.
        for (const name of names) {
            await kubectl("--namespace", namespace, "delete", "deployment", name);
            await new Promise((passed) => setTimeout(passed, 1500));
        }
        await Promise.all(names.map(gone));
        for (const { metadata, spec } of running) {
            const lines = sls.linesOf(metadata.name);
            assertComplete(metadata.name, lines);
            assert.equal(lines.length, different(lines), `${metadata.name}: lines that came twice`);
            const { container, node, namespace: of, stack, environment } = (lines[0] as Line).fields;
            assert.deepEqual(
                [container, node, of, stack, environment],
                [spec.containers[0]?.name, spec.nodeName, namespace, "machine-logs", "test"],
            );
        }
    });

    it("arrive within a second", async () => {
        const delays = sls
            .lines()
            .map(({ received, fields }) => Date.parse(received) / 1000 - fields.written)
            .sort((a, b) => a - b);
        const middle = delays[Math.floor(delays.length / 2)] as number;
        const slow = delays[Math.floor(delays.length * 0.99)] as number;
        console.log(`      ${delays.length} lines: half within ${middle.toFixed(2)} s, 99% within ${slow.toFixed(2)} s`);
        assert.ok(slow < 1, `99% within ${slow} s`);
    });

    it("are not lost if a collector is killed", async () => {
        await apply(await writer("killed"));
        const [pod] = await ready("killed");
        const name = pod?.metadata.name as string;
        for (const restarts of [1, 2]) {
            await new Promise((passed) => setTimeout(passed, 3000));
            await killCollector(name);
            await until(
                async () => {
                    const status = (await pods("killed"))[0]?.status.initContainerStatuses?.find(({ name }) => name === "log-collector");
                    return status?.restartCount === restarts && status.state.running !== undefined;
                },
                60,
                () => `collector not restarted ${restarts} times`,
            );
        }
        await new Promise((passed) => setTimeout(passed, 2000));
        await end("killed");
        const lines = sls.linesOf(name);
        assertComplete(name, lines);
        // Lines that were being sent may arrive twice. Their place in the file identifies them.
        const places = new Set(lines.map(({ fields }) => `${fields.n} ${fields.line}`));
        assert.equal(places.size, different(lines));
        console.log(`      ${lines.length - places.size} of ${places.size} lines came twice`);
    });

    it("wait for a logstore that can't be reached, while the pods serve", async () => {
        await sls.stop();
        await apply(await writer("waits"));
        const [pod] = await ready("waits");
        const name = pod?.metadata.name as string;
        await new Promise((passed) => setTimeout(passed, 5000));
        assert.deepEqual(sls.linesOf(name), []);
        await sls.start();
        await until(
            async () => sls.linesOf(name).length > 0,
            30,
            () => "nothing has arrived",
        );
        await new Promise((passed) => setTimeout(passed, 12_000));
        await end("waits");
        assertComplete(name, sls.linesOf(name));
    });

    it("show their access key in no ConfigMap, pod or process list", async () => {
        await apply(await writer("shown"));
        const [pod] = await ready("shown");
        const name = pod?.metadata.name as string;
        const shown = await kubectl("--namespace", namespace, "get", "configmaps,pods", "--output", "yaml");
        const said = await kubectl("--namespace", namespace, "logs", name, "--container", "log-collector");
        for (const place of [commandLines(), shown, said]) {
            assert.ok(!place.includes(accessKeySecret));
        }
        await end("shown");
    });
});
