import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../toolchain/places";

/** The folders in which processes with these variables store their builds. */
async function cachesWith(...variables: (string | undefined)[]): Promise<string[]> {
    const print = `
        const places = require.resolve("./toolchain/places");
        const caches = JSON.parse(process.argv[1]).map((XDG_CACHE_HOME) => {
            delete process.env.XDG_CACHE_HOME;
            Object.assign(process.env, XDG_CACHE_HOME === null ? {} : { XDG_CACHE_HOME });
            delete require.cache[places];
            return require(places).cache;
        });
        process.stdout.write(JSON.stringify(caches));`;
    return JSON.parse(
        (await execa(process.execPath, ["-r", "./register.cjs", "-e", print, JSON.stringify(variables)], { cwd: clone })).stdout,
    );
}

describe("the machine's folders", () => {
    it("are where the user's variable says", async () => assert.deepEqual(await cachesWith("/elsewhere"), ["/elsewhere/sms-machine"]));

    it("are in the home folder if XDG_CACHE_HOME is missing, empty or relative", async () => {
        const caches = await cachesWith(undefined, "", "cache", "../cache");
        assert.deepEqual(caches, Array(4).fill(join(homedir(), ".cache", "sms-machine")));
    });
});
