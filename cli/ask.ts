import { createInterface } from "node:readline/promises";
import { Option } from "@commander-js/extra-typings";

/** Whether somebody sits at a terminal who can be asked. Pipelines set CI, also where they give their jobs a terminal. */
export function isAttended(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.CI === undefined;
}

/** Asks at the terminal. Only `yes` is a yes. */
export async function agrees(question: string): Promise<boolean> {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    // Ctrl-C and Ctrl-D are a no.
    const closed = new Promise<string>((done) => lines.once("close", () => done("no")));
    const answer = await Promise.race([lines.question(`${question} Only "yes" is taken for a yes: `), closed]);
    lines.close();
    return answer.trim() === "yes";
}

/** `--yes`, which answers the question beforehand. */
export function yesOption() {
    return new Option("-y, --yes", "don't ask");
}
