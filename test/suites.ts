import { cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";

export interface Ended {
    readonly suite: string;
    readonly passed: number;
    readonly failed: number;
    readonly seconds: number;
    /** The average number of busy cores, from all processes of the host. */
    readonly busyCores: number;
    readonly output: string;
}

interface How {
    /** Whether its output goes to the terminal at once. */
    readonly isShown: boolean;
    /** The default is the npm script with the suite's name. */
    readonly command?: readonly [string, ...string[]];
}

/** Runs a suite. */
export async function run(suite: string, { isShown, command = ["npm", "run", "--silent", suite] }: How): Promise<Ended> {
    const start = performance.now();
    const busyBefore = busySeconds();
    const out = isShown ? (["pipe", "inherit"] as const) : (["pipe"] as const);
    const { all: output, exitCode } = await execa(command[0], command.slice(1), {
        all: true,
        reject: false,
        stdin: "ignore",
        stdout: out,
        stderr: out,
    });
    const seconds = (performance.now() - start) / 1000;
    const busyCores = (busySeconds() - busyBefore) / seconds;
    return { suite, ...counts(stripVTControlCharacters(output), exitCode ?? 1), seconds, busyCores, output };
}

/** Runs suites one after the other, with their output on the terminal. */
export async function inTurn(suites: readonly string[]): Promise<Ended[]> {
    const ended: Ended[] = [];
    for (const suite of suites) {
        ended.push(await run(suite, { isShown: true }));
    }
    return ended;
}

/** Runs suites in their order, `lanes` of them at a time. Shows the output of each when it ends. */
export async function sideBySide(
    suites: readonly string[],
    lanes: number,
    start = (suite: string) => run(suite, { isShown: false }),
): Promise<Ended[]> {
    const ended: Ended[] = [];
    const waiting = [...suites.entries()];
    const lane = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
            const [index, suite] = next;
            const result = await start(suite);
            process.stdout.write(`\n${suite}\n${result.output}\n`);
            ended[index] = result;
        }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return ended;
}

/** The busy time of all cores since the host started. */
function busySeconds(): number {
    return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + (user + nice + sys + irq) / 1000, 0);
}

/** Reads the last lines of mocha and pytest, or the sum of a suite that has groups itself. A check without a count is one test. */
export function counts(output: string, exitCode: number): Pick<Ended, "passed" | "failed"> {
    const [, passedInAll, failedInAll] = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1) ?? [];
    const sum = (pattern: RegExp) => [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
    const passed = Number(passedInAll ?? sum(/^\s*(\d+) passing\b/gm) + sum(/^=.*?\b(\d+) passed\b/gm));
    const failed = Number(failedInAll ?? sum(/^\s*(\d+) failing\b/gm) + sum(/^=.*?\b(\d+) failed\b/gm) + sum(/^=.*?\b(\d+) errors?\b/gm));
    if (passed + failed === 0 || (exitCode !== 0 && failed === 0)) {
        return { passed: passed + (exitCode === 0 ? 1 : 0), failed: exitCode === 0 ? 0 : 1 };
    }
    return { passed, failed };
}

/** The failed tests in the output of mocha and pytest. If there are none, the last lines. */
export function failures(output: string): string {
    const plain = stripVTControlCharacters(output);
    const mocha = /^ +\d+ failing$/m.exec(plain);
    const pytest = [...plain.matchAll(/^(?:FAILED|ERROR) .*|^E {3}.*/gm)].map(([line]) => line);
    const tests =
        mocha === null
            ? []
            : plain
                  .slice(mocha.index)
                  .trimEnd()
                  .split(/^(?= {2}\d+\) )/m);
    const lines = [...tests.flatMap(shortened), ...pytest];
    return (lines.length === 0 ? plain.trimEnd().split("\n").slice(-shownLines) : lines.slice(0, mostLines)).join("\n");
}

/** Printed at the end for each failed suite, so that a log with its beginning cut off still names the tests. */
const mostLines = 400;
const shownLines = 80;

/** A test that prints an engine's whole output must not hide the tests after it. */
function shortened(test: string): string[] {
    const lines = test.replace(/\n$/, "").split("\n");
    const half = shownLines / 2;
    return lines.length <= shownLines ? lines : [...lines.slice(0, half), "      […]", ...lines.slice(-half)];
}

/** Prints the failed tests, the results of each suite, and their sum. Returns the exit code. */
export function summary(suites: readonly Ended[]): number {
    for (const { suite, output } of suites.filter(({ failed }) => failed > 0)) {
        process.stdout.write(`\n${suite} failed:\n${failures(output)}\n`);
    }
    const sum = (count: "passed" | "failed") => suites.reduce((total, suite) => total + suite[count], 0);
    const lines = suites.map(
        ({ suite, passed, failed, seconds, busyCores }) =>
            `${suite.padEnd(16)} ${String(passed).padStart(4)} passed ${String(failed).padStart(4)} failed ${seconds.toFixed(0).padStart(6)} s, ${busyCores.toFixed(1)} cores busy`,
    );
    process.stdout.write(`\n${lines.join("\n")}\n${sum("passed")} passed, ${sum("failed")} failed\n`);
    return sum("failed") === 0 ? 0 : 1;
}
