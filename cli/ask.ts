import { createInterface } from "node:readline/promises";
import { Option } from "@commander-js/extra-typings";

/** Whether a person at a terminal can answer a question. Pipelines set CI, even if their jobs have a terminal. */
export function isAttended(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.CI === undefined;
}

/** Asks at the terminal. Returns true only for the answer `yes`. */
export async function agrees(question: string): Promise<boolean> {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    // Ctrl-C and Ctrl-D count as no.
    const closed = new Promise<string>((done) => lines.once("close", () => done("no")));
    const answer = await Promise.race([lines.question(`${question} Only "yes" counts as yes: `), closed]);
    lines.close();
    return answer.trim() === "yes";
}

/** `--yes`, which skips the question. */
export function yesOption() {
    return new Option("-y, --yes", "don't ask");
}
