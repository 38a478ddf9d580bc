import { ExecaError } from "execa";

/** An expected failure: its message says what is wrong and what to do; no stack trace is shown for it. */
export class ExpectedFailure extends Error {}

/** Tells why the process fails, and fails it. */
export function fail(error: Error): void {
    process.stderr.write(`\n${reason(error)}\n`);
    process.exitCode = 1;
}

function reason(error: Error): string {
    if (error instanceof ExecaError) {
        // A failed command's own words are the reason.
        return [error.shortMessage, error.stderr].filter((part) => typeof part === "string" && part !== "").join("\n");
    }
    return error instanceof ExpectedFailure ? error.message : (error.stack ?? error.message);
}
