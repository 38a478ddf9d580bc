import { ExecaError } from "execa";

/** An expected failure. Its message says what is wrong and what to do. No stack trace is shown. */
export class ExpectedFailure extends Error {}

/** Prints the reason for a failure and sets the exit code to 1. */
export function fail(error: Error): void {
    process.stderr.write(`\n${reason(error)}\n`);
    process.exitCode = 1;
}

function reason(error: Error): string {
    if (error instanceof ExecaError) {
        // The reason is the failed command's own message.
        return [error.shortMessage, error.stderr].filter((part) => typeof part === "string" && part !== "").join("\n");
    }
    return error instanceof ExpectedFailure ? error.message : (error.stack ?? error.message);
}
