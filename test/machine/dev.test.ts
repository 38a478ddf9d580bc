import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { copyOfClone } from "../../lab/fixtures/copyOfClone";
import { appOf, LiveStack } from "../../lab/fixtures/liveStack";
import { statusOf } from "../../lab/machine/client";
import { until } from "../../toolchain/progress";

const stack = "live";
const nodePort = 31092;

describe("npm run dev", () => {
    let copy: string;
    let live: LiveStack;
    /** Where Tilt keeps the cluster's kubeconfig and its settings by default. */
    const tiltsFolders = () =>
        [".tilt-dev", ".local/state/tilt-dev", ".local/share/tilt-dev", ".cache/tilt-dev"].filter((folder) =>
            existsSync(join(homedir(), folder)),
        );
    const foldersBefore = tiltsFolders();
    const npm = (script: string, ...args: string[]) => execa("npm", ["run", "--silent", script, "--", ...args], { cwd: copy, all: true });

    before("a stack under `npm run dev`", async () => {
        copy = copyOfClone();
        await npm("stack:own", stack);
        const file = join(copy, `Pulumi.${stack}.yaml`);
        writeFileSync(file, readFileSync(file, "utf8").replace("nodePort: 31091", `nodePort: ${nodePort}`));
        live = await LiveStack.start(copy, stack, `sms-${stack}`);
    });

    after("remove", async () => {
        await npm("down", "--stack", stack);
        rmSync(copy, { recursive: true, force: true });
    });

    const processes = async () =>
        (await live.pods()).map((pod) => [appOf(pod), pod.metadata?.uid, pod.status?.containerStatuses?.[0]?.restartCount]);

    it("brings a change of the code into the running pods of web, worker and beat", async () => {
        const before = await processes();
        assert.deepEqual(before.map(([app]) => app).sort(), ["sms-beat", "sms-web", "sms-web", "sms-worker"]);
        const seconds = await live.change();
        console.log(`      all pods ran the changed code after ${seconds.toFixed(1)} s`);
        assert.deepEqual(await processes(), before);
    });

    it("brings the correction of an error that ended the processes", async () => {
        const before = await processes();
        const wrong = "import nothing_of_this_name\n";
        live.edit("logs.py", /^/, wrong);
        await until(
            async () => (await statusOf(`http://127.0.0.1:${nodePort}`, "/healthz")) === undefined,
            60,
            () => "web still answers with code that can't be imported",
        );
        live.edit("logs.py", wrong, "");
        await live.change();
        assert.deepEqual(await processes(), before);
    });

    it("leaves nothing in the user's home", () => {
        assert.deepEqual(tiltsFolders(), foldersBefore);
    });

    it("ends by Ctrl-C, and `npm run up` deploys the same code as an image", async () => {
        await live.stop();
        await npm("up", "--stack", stack);
        const pods = await live.pods();
        assert.ok(pods.length >= 4);
        assert.ok(pods.every(({ spec }) => spec?.initContainers === undefined && spec?.volumes?.every(({ name }) => name !== "code")));
        const answer = await fetch(`http://127.0.0.1:${nodePort}/healthz`);
        assert.match(await answer.text(), /alive \d+/);
    });
});
