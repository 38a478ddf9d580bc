import { join } from "node:path";
import { ExecaError } from "execa";
import { MachineError } from "../machine/progress";

/** The clone that this file lies in. */
export const clone = join(__dirname, "..");

/** An expected failure: its message says what is wrong and what to do; no stack trace is shown for it. */
export class OperationError extends Error {}

/** Runs a command's work to its exit code. */
export function run(work: () => Promise<number>): void {
    work().then(
        (exitCode) => {
            process.exitCode = exitCode;
        },
        (error) => {
            const isExpected = error instanceof OperationError || error instanceof MachineError || isUsage(error);
            process.stderr.write(`\n${isExpected ? error.message : error instanceof ExecaError ? error.shortMessage : error.stack}\n`);
            process.exitCode = 1;
        },
    );
}

/** What parseArgs throws. */
function isUsage(error: { code?: string }): boolean {
    return error.code?.startsWith("ERR_PARSE_ARGS") === true;
}
