import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { daemonPid, ensureRunning, ownProcesses, stop } from "../../lab/machine/daemons";
import { holdTurn, takeTurn } from "../../lab/machine/host";
import { clone } from "../../toolchain/places";
import { until } from "../../toolchain/progress";
import { assertRefused } from "./refused";

describe("npm run up", () => {
    it("refuses to run beside another npm run up", async () => {
        const release = await takeTurn();
        await assertRefused([], /Another `npm run up` or `npm run down` is at work/);
        release();
    });
});

describe("the measuring commands", () => {
    it("run one at a time", async () => {
        const release = await holdTurn("sms-prove", "held already");
        try {
            for (const main of ["lab/reliability/main.ts", "lab/reliability/dashboard.ts", "lab/performance/main.ts"]) {
                const { exitCode, all } = await execa(process.execPath, ["-r", "./register.cjs", main], {
                    cwd: clone,
                    all: true,
                    reject: false,
                });
                assert.equal(exitCode, 1, all);
                assert.match(all, /Another `npm run prove`, `dashboard`, `bench` or `test` is at work/);
                assert.doesNotMatch(all, /\n\s+at .*:\d+:\d+/, "no stack trace");
            }
        } finally {
            release();
        }
    });
});

describe("a daemon", () => {
    it("is not confused with its child processes", async () => {
        const name = "kwok";
        const folder = mkdtempSync(join(tmpdir(), `${name}-`));
        const command = join(folder, name);
        copyFileSync("/bin/sh", command);
        const args = ["-c", "(while :; do sleep 1; done) & wait"];
        const found = () => ownProcesses().filter(({ daemon, executable }) => daemon === name && executable === name).length;
        const becomes = (count: number) =>
            until(
                async () => found() === count,
                10,
                () => `${found()} processes and not ${count}`,
            );
        try {
            await ensureRunning({ name, command, args, isReady: async () => true });
            await becomes(2);
            process.kill(daemonPid(name) as number, "SIGKILL");
            await becomes(1);
            assert.equal(daemonPid(name), undefined);
        } finally {
            await stop(name);
            rmSync(folder, { recursive: true });
        }
    });
});
