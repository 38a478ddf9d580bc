import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../toolchain/places";
import { until } from "../../toolchain/progress";
import { sideBySide } from "../sideBySide";

/** A script that does not end at once on a signal, as Pulumi's engine does. It records the signals and ends later. */
const engine = (notes: string) => `
for signal in INT TERM; do trap "echo $signal >> '${notes}'" $signal; done
echo $$ > '${notes}.pid'
echo started >> '${notes}'
for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done
echo ended >> '${notes}'
exit 7`;

describe("a command in the foreground", () => {
    let folder: string;
    before(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-foreground-"));
    });
    after(() => rmSync(folder, { recursive: true }));
    const test = sideBySide();

    /** Starts the command by a process of this project, sends the signal to one or both, and returns how both ended. */
    async function signalled(signal: NodeJS.Signals, to: "all" | "ours") {
        const notes = join(folder, `${signal} to ${to}`);
        const script = `${notes}.sh`;
        const noted = () => readFileSync(notes, "utf8").trim().split("\n");
        writeFileSync(script, engine(notes));
        const ours = `
            const { endBySignals, inForeground } = require("./cli/foreground");
            endBySignals();
            inForeground("sh", ["${script}"], {}).then((code) => process.exit(code));`;
        const child = execa(process.execPath, ["-r", "./register.cjs", "-e", ours], { cwd: clone, reject: false });
        await until(
            async () => existsSync(notes),
            10,
            () => "it doesn't start",
        );
        if (to === "all") {
            // One after the other, because a shell counts two signals at the same time as one.
            process.kill(Number(readFileSync(`${notes}.pid`, "utf8")), signal);
            await until(
                async () => noted().length > 1,
                10,
                () => "it doesn't get the signal",
            );
        }
        process.kill(child.pid as number, signal);
        const { exitCode } = await child;
        return { exitCode, noted: noted() };
    }

    test("gets a terminal's Ctrl-C once, ends in its own time, and is waited for", async () => {
        assert.deepEqual(await signalled("SIGINT", "all"), { exitCode: 7, noted: ["started", "INT", "ended"] });
    });

    test("gets a signal once that was sent only to its parent", async () => {
        assert.deepEqual(await signalled("SIGTERM", "ours"), { exitCode: 7, noted: ["started", "TERM", "ended"] });
    });
});
