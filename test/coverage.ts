/** `npm run coverage`: which lines of the TypeScript the suites run that need no cluster and no engine. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { clone } from "../toolchain/places";
import { inTurn, summary } from "./suites";

const suites = ["test:unit", "test:stand-ins"];

async function coverage(): Promise<number> {
    const folder = mkdtempSync(join(tmpdir(), "sms-coverage-"));
    try {
        // Node writes there what each process ran, also those that a test starts.
        process.env.NODE_V8_COVERAGE = folder;
        const ended = await inTurn(suites);
        // .c8rc.json says of which files.
        const report = ["report", "--temp-directory", folder];
        await execa(join(clone, "node_modules", ".bin", "c8"), report, { cwd: clone, stdio: "inherit", env: { NODE_V8_COVERAGE: "" } });
        return summary(ended);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

start(script("coverage", `Runs ${suites.join(" and ")}, and names the lines of each file that they don't run.`).action(exitCode(coverage)));
