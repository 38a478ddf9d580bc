import assert from "node:assert/strict";
import { execa } from "execa";
import { type Run, TestStack } from "../../lab/fixtures/testStack";
import { statusOf } from "../../lab/machine/client";
import { ownProcesses } from "../../lab/machine/daemons";
import { inNode, kubectl, machineDocker } from "../../lab/machine/kubernetes";
import { registryAddress } from "../../lab/machine/registry";
import { secret } from "../../lab/machine/secrets";
import { clone, nodeName, registryContainer, volumes } from "../../toolchain/places";
import { until } from "../../toolchain/progress";
import { commandLines } from "./processes";

const namespace = "sms-test";
const address = "http://127.0.0.1:31091";

interface Pod {
    metadata: { name: string; labels: Record<string, string>; deletionTimestamp?: string };
    spec: { containers: { name: string; image: string }[]; imagePullSecrets: { name: string }[] };
    status: { phase: string; containerStatuses: { imageID: string }[] };
}

interface Step {
    op: string;
    urn: string;
}

const workloads = ["sms-web", "sms-worker", "sms-beat"];

function assertSucceeded({ exitCode, output }: Run): void {
    assert.equal(exitCode, 0, output);
}

/** Asserts that the product still serves after a refused `up`. */
async function assertServes(path: string): Promise<void> {
    const response = await fetch(`${address}${path}`);
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
}

/** Waits for the status, because a draining pod may still answer for a moment after the `up`. */
async function comesTo(path: string, status: number): Promise<void> {
    let last: number | undefined;
    await until(
        async () => {
            last = await statusOf(address, path);
            return last === status;
        },
        30,
        () => `${path} answers ${last}, not ${status}`,
    );
}

const route = `    @app.get("/changed")
    def changed():
        return "changed"

`;
const firstRoute = '    @app.post("/messages")';

describe("the product on the real cluster", () => {
    let stack: TestStack;

    const pods = async () => (await stack.objects<Pod>("pods")).filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const appPods = async () => (await pods()).filter((pod) => workloads.includes(pod.metadata.labels.app ?? ""));

    before("up from nothing", async () => {
        stack = await TestStack.make(namespace, 31091);
        await stack.configure();
        assertSucceeded(await stack.up());
    });

    after("remove", () => stack.clear());

    it("sends a message that was posted", async () => {
        await stack.waitUntilSent(await stack.send("hello"));
    });

    it("runs web, worker and beat by digest, pulled with the pull secret from a registry that refuses strangers", async () => {
        const running = await appPods();
        assert.deepEqual([...new Set(running.map((pod) => pod.metadata.labels.app))].sort(), [...workloads].sort());
        for (const pod of running) {
            const digest = pod.spec.containers[0]?.image.split("@")[1];
            assert.match(digest ?? "", /^sha256:[0-9a-f]{64}$/);
            assert.equal(pod.status.containerStatuses[0]?.imageID.split("@")[1], digest);
            assert.deepEqual(pod.spec.imagePullSecrets, [{ name: "pull-secret" }]);
        }
        const stranger = await fetch(`http://${registryAddress()}/v2/sms/tags/list`);
        assert.equal(stranger.status, 401);
    });

    it("runs every container as a user that is not root and can't write to its image", async () => {
        for (const pod of await appPods()) {
            const inPod = ["--namespace", namespace, "exec", pod.metadata.name, "--"];
            assert.equal(await kubectl(...inPod, "id", "-u"), "10001");
            await assert.rejects(kubectl(...inPod, "touch", "/code/x"), /Read-only file system/);
        }
    });

    it("has a process 1 in each container that handles SIGTERM at any time", async () => {
        for (const pod of await appPods()) {
            const first = await kubectl("--namespace", namespace, "exec", pod.metadata.name, "--", "cat", "/proc/1/cmdline");
            assert.equal(first.split("\0")[0], "dumb-init", pod.metadata.name);
        }
    });

    it("changes nothing in a second up and reports that", async () => {
        const second = await stack.up("--expect-no-changes");
        assertSucceeded(second);
        assert.match(second.output, /unchanged/);
        assertSucceeded(await stack.run("preview", "--non-interactive", "--expect-no-changes"));
    });

    it("refuses a bad stack file with all its problems, before any change", async () => {
        await stack.configure({ "sms:web": { replicas: -1, nodePort: 80, replica: 3 } });
        const refused = await stack.up();
        assert.notEqual(refused.exitCode, 0);
        for (const key of ["sms:web.replicas", "sms:web.nodePort", "sms:web.replica"]) {
            assert.ok(refused.output.includes(key), `${key} in ${refused.output}`);
        }
        assert.doesNotMatch(refused.output, /\n\s+at .*\.(ts|js):\d+/, "no stack trace");
        await stack.configure();
        await assertServes("/readyz");
    });

    it("keeps every password out of the state, the preview and the process list", async () => {
        const preview = await stack.run("preview", "--diff", "--non-interactive");
        const processes = commandLines();
        const engineState = await stack.state();
        assert.ok(engineState.includes("sms-web"), "the state was read");
        for (const name of ["registry-password", "redis-password", "mongo-password", "passphrase"]) {
            for (const form of [secret(name), Buffer.from(secret(name)).toString("base64")]) {
                assert.ok(!engineState.includes(form), `${name} in the state`);
                assert.ok(!preview.output.includes(form), `${name} in the preview`);
                assert.ok(!processes.includes(form), `${name} in the process list`);
            }
        }
    });

    it("shows in the preview that a code change rolls web, worker and beat, and serves it after the up", async () => {
        stack.edit("app/sms/web.py", (content) => content.replace(firstRoute, route + firstRoute));
        const { output } = await stack.run("preview", "--json", "--non-interactive");
        const { steps } = JSON.parse(output.slice(output.indexOf("{"))) as { steps: Step[] };
        const updated = steps.filter(({ op }) => op === "update").map(({ urn }) => urn.split("::").at(-1));
        assert.deepEqual(updated.sort(), ["beat-deployment", "image-image", "web-deployment", "worker-deployment"]);

        assertSucceeded(await stack.up());
        await comesTo("/changed", 200);
    });

    it("fails with the reason if the registry refuses the password, while the old version still serves, and recovers", async () => {
        stack.restore("app/sms/web.py");
        // A replaced Deployment would be deleted first, and no worker would send in between.
        const deployments = async () =>
            (await stack.objects<{ metadata: { uid: string } }>("deployments")).map(({ metadata }) => metadata.uid).sort();
        const before = await deployments();
        const wrong = "wrong-but-long-enough-0";
        await stack.setSecret("sms:registryPassword", wrong);
        const failed = await stack.up();
        assert.notEqual(failed.exitCode, 0);
        assert.match(failed.output, /unauthorized|authentication|refused/i);
        assert.ok(!failed.output.includes(wrong), "the password is not shown");
        await assertServes("/changed");
        await stack.waitUntilSent(await stack.send("while a rollout is stuck"));
        assert.deepEqual(await deployments(), before);

        await stack.setSecret("sms:registryPassword", secret("registry-password"));
        assertSucceeded(await stack.up());
        assert.deepEqual(await deployments(), before);
        await comesTo("/changed", 404);
    });

    it("comes back after a power cut with all its data", async () => {
        const before = await stack.send("before the lights went out");
        await stack.waitUntilSent(before);
        await cutPower();
        await execa("npm", ["run", "--silent", "machine"], { cwd: clone });
        await until(
            async () => (await statusOf(address, "/readyz")) === 200,
            180,
            () => "not ready after 180 s",
        );
        await stack.waitUntilSent(before);
        await stack.waitUntilSent(await stack.send("after"));
    });

    it("leaves nothing behind after destroy", async () => {
        const claims = await stack.objects<{ spec: { volumeName: string } }>("persistentvolumeclaims");
        const own = claims.map(({ spec }) => spec.volumeName);
        const folders = async () => (await inNode("ls", volumes)).split("\n").filter((name) => name !== "");
        const isOwn = (folder: string) => own.some((volume) => folder.startsWith(volume));
        const before = await folders();
        assert.equal(before.filter(isOwn).length, 2, "Redis and MongoDB have a folder each");
        assertSucceeded(await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive"));
        const { deployment } = JSON.parse(await stack.state()) as { deployment: { resources?: unknown[] } };
        assert.deepEqual(deployment.resources ?? [], []);
        assert.equal(await kubectl("get", "namespace", namespace, "--ignore-not-found"), "");
        // The provisioner removes the volume and its folder a moment after the claim.
        let left = "";
        await until(
            async () => {
                left = await kubectl("get", "persistentvolumes", "-o", "jsonpath={.items[*].spec.claimRef.namespace}");
                return !left.split(" ").includes(namespace);
            },
            30,
            () => `volumes are left: ${left}`,
        );
        await until(
            async () => !(await folders()).some(isOwn),
            30,
            () => "folders of volumes are left",
        );
        assert.deepEqual(
            await folders(),
            before.filter((folder) => !isOwn(folder)),
        );
    });
});

/** Kills all processes of the node and the registry, as a power cut does. Also kills the docker daemon if it is the machine's own. */
async function cutPower(): Promise<void> {
    await (await machineDocker()).run("kill", nodeName, registryContainer);
    for (const { pid } of ownProcesses()) {
        try {
            process.kill(pid, "SIGKILL");
        } catch {
            // The process ended together with its container.
        }
    }
}
