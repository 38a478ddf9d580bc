import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../machine/places";

/** Where a process with this variable keeps its builds. */
async function cacheWith(XDG_CACHE_HOME: string | undefined): Promise<string> {
    const print = 'process.stdout.write(require("./machine/places").cache)';
    return (await execa(process.execPath, ["-r", "./register.cjs", "-e", print], { cwd: clone, env: { XDG_CACHE_HOME } })).stdout;
}

describe("the machine's folders", () => {
    it("lie where the user wants them", async () => assert.equal(await cacheWith("/elsewhere"), "/elsewhere/sms-machine"));

    for (const none of [undefined, "", "cache", "../cache"]) {
        it(`lie in the home where XDG_CACHE_HOME is ${JSON.stringify(none)}`, async () => {
            assert.equal(await cacheWith(none), join(homedir(), ".cache", "sms-machine"));
        });
    }
});
