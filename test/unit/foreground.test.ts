import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../machine/places";
import { until } from "../../machine/progress";

/** Takes a signal for a wish to end, and ends in its own time, as Pulumi's engine does. */
const engine = (notes: string) => `
for signal in INT TERM; do trap "echo $signal >> '${notes}'" $signal; done
echo started >> '${notes}'
for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done
echo ended >> '${notes}'
exit 7`;

describe("a command in the foreground", () => {
    let folder: string;
    let notes: string;
    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-foreground-"));
        notes = join(folder, "notes");
        writeFileSync(join(folder, "engine.sh"), engine(notes));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    /** Starts the command by a process of ours, gives both a signal as `to` says, and tells what became of both. */
    async function signalled(signal: NodeJS.Signals, to: "all" | "ours") {
        const ours = `
            const { endBySignals, inForeground } = require("./cli/foreground");
            endBySignals();
            inForeground("sh", ["${join(folder, "engine.sh")}"], {}).then((code) => process.exit(code));`;
        const child = execa(process.execPath, ["-r", "./register.cjs", "-e", ours], { cwd: clone, detached: true, reject: false });
        await until(
            async () => existsSync(notes),
            10,
            () => "it doesn't start",
        );
        const pid = child.pid as number;
        process.kill(to === "all" ? -pid : pid, signal);
        const { exitCode } = await child;
        return { exitCode, noted: readFileSync(notes, "utf8").trim().split("\n") };
    }

    it("hears a terminal's Ctrl-C once, ends in its own time, and is waited for", async () => {
        assert.deepEqual(await signalled("SIGINT", "all"), { exitCode: 7, noted: ["started", "INT", "ended"] });
    });

    it("hears once of a signal that only we were sent", async () => {
        assert.deepEqual(await signalled("SIGTERM", "ours"), { exitCode: 7, noted: ["started", "TERM", "ended"] });
    });
});
