import { performance } from "node:perf_hooks";
import { ExpectedFailure } from "../cli/failure";

/** An expected failure: its message says what is wrong and what to do; no stack trace is shown for it. */
export class MachineError extends ExpectedFailure {}

// Whoever reads may have seen enough: `npm run status | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") {
        throw error;
    }
    process.exit(1);
});

const interactive = process.stdout.isTTY === true;
/** Without a terminal a line a quarter of a minute is enough to see that it lives. */
const beatMilliseconds = interactive ? 1000 : 15_000;

function elapsed(since: number): string {
    const seconds = (performance.now() - since) / 1000;
    if (seconds < 60) {
        return `${seconds.toFixed(1)} s`;
    }
    return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** Runs one step and tells how long it takes while it runs and when it is done. `work` may return a word on how it went. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const beat = setInterval(() => {
        const line = `  … ${title} ${elapsed(start)}`;
        process.stdout.write(interactive ? `\r\x1b[K${line}` : `${line}\n`);
    }, beatMilliseconds);
    const end = (mark: string, note = "") => {
        clearInterval(beat);
        process.stdout.write(`${interactive ? "\r\x1b[K" : ""}  ${mark} ${title}${note} ${elapsed(start)}\n`);
    };
    try {
        const result = await work();
        end("✓", typeof result === "string" ? ` (${result})` : "");
        return result;
    } catch (error) {
        end("✗");
        throw error;
    }
}

/** Says something that is not a step. */
export function say(text: string): void {
    process.stdout.write(`${text}\n`);
}

/** Asks `isReady` until it says yes; fails with `explain()` after `seconds`. */
export async function until(isReady: () => Promise<boolean>, seconds: number, explain: () => string): Promise<void> {
    const deadline = performance.now() + seconds * 1000;
    while (!(await isReady())) {
        if (performance.now() > deadline) {
            throw new MachineError(explain());
        }
        await new Promise((done) => setTimeout(done, 200));
    }
}
