/** `npm test`: every suite, one after the other, and the sum of what they counted. */
import { performance } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";

interface Counts {
    passed: number;
    failed: number;
}

/** In the order in which they tell a mistake soonest. */
const suites = [
    "test:types",
    "test:lint",
    "test:unit",
    "test:scripts",
    "test:stand-ins",
    "test:engine",
    "test:monitoring",
    "test:app",
    "test:machine",
];

/** How mocha and pytest close. A check that counts nothing is one test. */
function counts(output: string, exitCode: number): Counts {
    const sum = (pattern: RegExp) => [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
    const passed = sum(/^\s*(\d+) passing\b/gm) + sum(/^=.*?\b(\d+) passed\b/gm);
    const failed = sum(/^\s*(\d+) failing\b/gm) + sum(/^=.*?\b(\d+) failed\b/gm) + sum(/^=.*?\b(\d+) errors?\b/gm);
    if (passed + failed === 0 || (exitCode !== 0 && failed === 0)) {
        return { passed: passed + (exitCode === 0 ? 1 : 0), failed: exitCode === 0 ? 0 : 1 };
    }
    return { passed, failed };
}

async function all(): Promise<number> {
    const total: Counts = { passed: 0, failed: 0 };
    const table: string[] = [];
    for (const suite of suites) {
        const start = performance.now();
        const { all: output, exitCode: ended } = await execa("npm", ["run", "--silent", suite], {
            all: true,
            reject: false,
            stdin: "ignore",
            stdout: ["pipe", "inherit"],
            stderr: ["pipe", "inherit"],
        });
        const { passed, failed } = counts(stripVTControlCharacters(output), ended ?? 1);
        total.passed += passed;
        total.failed += failed;
        table.push(
            `${suite.padEnd(16)} ${String(passed).padStart(4)} passed ${String(failed).padStart(4)} failed ${((performance.now() - start) / 1000).toFixed(0).padStart(6)} s`,
        );
    }
    process.stdout.write(`\n${table.join("\n")}\n${total.passed} passed, ${total.failed} failed\n`);
    return total.failed === 0 ? 0 : 1;
}

start(script("test", "Runs every suite, also those on the real cluster.").action(exitCode(all)));
