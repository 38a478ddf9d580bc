import { ExpectedFailure, fail } from "../cli/failure";

/** An expected failure. Its message says what is wrong and what to do. No stack trace is shown. */
export class OperationError extends ExpectedFailure {}

/** Runs `work` and sets the process's exit code to its result. */
export function run(work: () => Promise<number>): void {
    work().then((exitCode) => {
        process.exitCode = exitCode;
    }, fail);
}
