import assert from "node:assert/strict";
import { join } from "node:path";
import { execa } from "execa";
import { machineDocker } from "../../lab/machine/kubernetes";
import { clone } from "../../toolchain/places";

const up = [process.execPath, "-r", "./register.cjs", join("lab", "machine", "main.ts"), "up"] as const;

/** All containers, networks and volumes of the machine's docker daemon. */
async function dockersThings(): Promise<string[]> {
    const docker = await machineDocker();
    return Promise.all([docker.run("ps", "--all", "--quiet"), docker.run("network", "ls"), docker.run("volume", "ls")]);
}

/** Runs `npm run up` behind `wrapper`. Asserts that it is refused with this reason and changes nothing. */
export async function assertRefused(wrapper: string[], because: RegExp): Promise<void> {
    const before = await dockersThings();
    const [command = "", ...args] = [...wrapper, ...up];
    const { exitCode, all } = await execa(command, args, { cwd: clone, all: true, reject: false });
    assert.equal(exitCode, 1, all);
    assert.match(all, because);
    assert.doesNotMatch(all, /\n\s+at .*:\d+:\d+/, "no stack trace");
    assert.deepEqual(await dockersThings(), before);
}
