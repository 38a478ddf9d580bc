import { performance } from "node:perf_hooks";
import { ExpectedFailure } from "../cli/failure";
import { write } from "../cli/say";

/** An expected failure. Its message says what is wrong and what to do. No stack trace is shown. */
export class MachineError extends ExpectedFailure {}

const interactive = process.stdout.isTTY === true;
/** Without a terminal, a line every 15 s is enough to show that the step still runs. */
const beatMilliseconds = interactive ? 1000 : 15_000;

function elapsed(since: number): string {
    const seconds = (performance.now() - since) / 1000;
    if (seconds < 60) {
        return `${seconds.toFixed(1)} s`;
    }
    return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** Runs one step and prints its duration during and after it. If `work` returns a text, it is printed after the title. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const beat = setInterval(() => {
        const line = `  … ${title} ${elapsed(start)}`;
        write(interactive ? `\r\x1b[K${line}` : `${line}\n`);
    }, beatMilliseconds);
    const end = (mark: string, note = "") => {
        clearInterval(beat);
        write(`${interactive ? "\r\x1b[K" : ""}  ${mark} ${title}${note} ${elapsed(start)}\n`);
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

/**
 * Calls `isReady` until it returns true: first after 10 ms, then less and less often, down to every 200 ms. Throws a MachineError with
 * `explain()` after `seconds`.
 */
export async function until(isReady: () => Promise<boolean>, seconds: number, explain: () => string): Promise<void> {
    const deadline = performance.now() + seconds * 1000;
    let pauseMs = 10;
    while (!(await isReady())) {
        if (performance.now() > deadline) {
            throw new MachineError(explain());
        }
        await new Promise((done) => setTimeout(done, pauseMs));
        pauseMs = Math.min(2 * pauseMs, 200);
    }
}
