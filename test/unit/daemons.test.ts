import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureServing } from "../../lab/machine/daemons";

describe("a daemon process", () => {
    let folder: string;
    let logFile: string;
    let started: number[];
    const begin = (command: string) => spawn("sh", ["-c", command], { stdio: "ignore" }).pid as number;
    const service = (command: string, isReady: () => boolean) => ({
        title: "the service",
        logFile,
        isReady: async () => isReady(),
        start: async () => {
            const pid = begin(command);
            started.push(pid);
            return pid;
        },
    });

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-daemons-"));
        logFile = join(folder, "log");
        writeFileSync(logFile, "first\nlast\n");
        started = [];
    });
    afterEach(() => {
        for (const pid of started) {
            try {
                process.kill(pid, "SIGKILL");
            } catch {} // The process has already ended.
        }
        rmSync(folder, { recursive: true });
    });

    it("is left running if it serves", async () => {
        assert.equal(
            await ensureServing(
                begin("sleep 1"),
                service("sleep 60", () => true),
            ),
            "running",
        );
        assert.deepEqual(started, []);
    });

    it("is started again if it was killed and hasn't ended yet", async () => {
        const dying = begin("sleep 0.3");
        assert.equal(
            await ensureServing(
                dying,
                service("sleep 60", () => started.length > 0),
            ),
            "started",
        );
    });

    it("is waited for by its id, even if its environment changes", async () => {
        let asked = 0;
        const slow = service("exec env -i sleep 60", () => ++asked > 3);
        assert.equal(await ensureServing(undefined, slow), "started");
        assert.equal(started.length, 1);
    });

    it("is reported with the end of its log if it ends", async () => {
        await assert.rejects(
            ensureServing(
                undefined,
                service("exit 1", () => false),
            ),
            /^Error: the service ended; the last lines of .*log:\n {4}first\n {4}last$/,
        );
    });
});
