import { join } from "node:path";
import { ExpectedFailure, fail } from "../cli/failure";

/** The clone that this file lies in. */
export const clone = join(__dirname, "..");

/** An expected failure: its message says what is wrong and what to do; no stack trace is shown for it. */
export class OperationError extends ExpectedFailure {}

/** Runs a process's work to its exit code. */
export function run(work: () => Promise<number>): void {
    work().then((exitCode) => {
        process.exitCode = exitCode;
    }, fail);
}
