import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "../../toolchain/places";
import { alone, lanes } from "../machineFiles";
import { counts, type Ended, failures, sideBySide } from "../suites";

describe("what a suite says of its failed tests", () => {
    it("is mocha's list, from its count on", () => {
        const output =
            "  a\n    \u001b[32m✔\u001b[0m passes\n    1) fails\n\n  1 passing (2s)\n  1 failing\n\n  1) a\n       fails:\n     Error\n";
        assert.equal(failures(output), "  1 failing\n\n  1) a\n       fails:\n     Error");
    });

    it("is the beginning and the end of each of mocha's, if it is long", () => {
        const long = Array.from({ length: 200 }, (_, line) => `     line ${line}`);
        const said = failures(["  2 failing", "", "  1) a", ...long, "", "  2) b", "     Error"].join("\n")).split("\n");
        assert.deepEqual(
            [said.length, said[2], said[41], said[42], said[43], said[83]],
            [85, "  1) a", "     line 38", "      […]", "     line 161", "  2) b"],
        );
    });

    it("is pytest's summary, and what each assertion compared", () => {
        const output = [
            "=== FAILURES ===",
            "    def test_a():",
            ">       assert 1 == 2",
            "E       assert 1 == 2",
            "=== short test summary info ===",
            "FAILED tests/test_a.py::test_a - assert 1 == 2",
            "=== 1 failed, 3 passed in 0.1s ===",
        ].join("\n");
        assert.equal(failures(output), "E       assert 1 == 2\nFAILED tests/test_a.py::test_a - assert 1 == 2");
    });

    it("is the end of the output where neither counted", () => {
        const lines = Array.from({ length: 200 }, (_, line) => `error ${line}`);
        assert.equal(failures(lines.join("\n")), lines.slice(-80).join("\n"));
    });
});

describe("the results of a suite", () => {
    it("are the sums of mocha's runs and pytest's, and a check without a count is one", () => {
        assert.deepEqual(counts("  3 passing (1s)\n  2 passing (1s)\n  1 failing\n", 1), { passed: 5, failed: 1 });
        assert.deepEqual(counts("=== 1 failed, 3 passed in 0.1s ===\n", 1), { passed: 3, failed: 1 });
        assert.deepEqual(counts("fine\n", 0), { passed: 1, failed: 0 });
        assert.deepEqual(counts("not fine\n", 1), { passed: 0, failed: 1 });
    });

    it("are its own sum if it has groups, which name their failed tests twice", () => {
        assert.deepEqual(counts("  2 passing (1s)\n  1 failing\n\na failed:\n  1 failing\n\n2 passed, 1 failed\n", 1), {
            passed: 2,
            failed: 1,
        });
    });
});

describe("a suite that ended with an error after its sum", () => {
    it("has failed", () => {
        assert.deepEqual(counts("2 passed, 0 failed\n", 1), { passed: 2, failed: 1 });
    });
});

describe("suites side by side", () => {
    it("begin in their order, so many at a time, and are all in the sum, in that order", async () => {
        const begun: string[] = [];
        const ends: (() => void)[] = [];
        const start = async (suite: string): Promise<Ended> => {
            begun.push(suite);
            await new Promise<void>((end) => ends.push(end));
            return { suite, passed: 1, failed: 0, seconds: 1, busyCores: 1, output: `what ${suite} prints` };
        };
        const all = sideBySide(["a", "b", "c"], 2, start);
        assert.deepEqual(begun, ["a", "b"]);
        ends[1]?.();
        await new Promise(setImmediate);
        assert.deepEqual(begun, ["a", "b", "c"]);
        ends[2]?.();
        ends[0]?.();
        assert.deepEqual(
            (await all).map(({ suite }) => suite),
            ["a", "b", "c"],
        );
    });
});

describe("the files of test:machine", () => {
    it("are each in one group", () => {
        const found = readdirSync(join(clone, "test", "machine")).flatMap((file) => /^(.+)\.test\.ts$/.exec(file)?.[1] ?? []);
        assert.deepEqual([...alone, ...lanes.flat()].sort(), found.sort());
    });

    it("that need the machine's turn are in one lane", () => {
        const takesTurn = (name: string) =>
            /"(up|down|dev|machine)"/.test(
                readFileSync(join(clone, "test", "machine", `${name}.test.ts`), "utf8").replaceAll("stack.up(", ""),
            );
        assert.equal(lanes.filter((names) => names.some(takesTurn)).length, 1, `${lanes.map((names) => names.filter(takesTurn))}`);
    });
});
