import { join } from "node:path";
import { ExpectedFailure, fail } from "../cli/failure";

/** The root folder of the clone that contains this file. */
export const clone = join(__dirname, "..");

/** An expected failure. Its message says what is wrong and what to do. No stack trace is shown. */
export class OperationError extends ExpectedFailure {}

/** Runs `work` and sets the process's exit code to its result. */
export function run(work: () => Promise<number>): void {
    work().then((exitCode) => {
        process.exitCode = exitCode;
    }, fail);
}
