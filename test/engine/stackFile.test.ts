import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseStackFile, StackFileError, stackFileText } from "../../settings/stackFile";
import { stackFileTexts, trickyScalars } from "../unit/stackFileTexts";
import { assertSame, type Engine, engineIn } from "./engineReader";

describe("a stack file, to the engine and to the program's own reader", () => {
    let folder: string;
    let engine: Engine;

    before("an engine with a backend of its own", async () => {
        folder = mkdtempSync(join(tmpdir(), "sms-read-"));
        engine = await engineIn(folder);
    });

    after(() => rmSync(folder, { recursive: true }));

    async function assertAgreed(text: string): Promise<void> {
        const said = await engine(text);
        assert.ok(said, `the engine refuses\n${text}`);
        assertSame(text, said);
    }

    it("says the same of each scalar that YAML is known for", async () => {
        const plain = trickyScalars.map(
            (scalar, i) => `    sms:top${i}: ${scalar}\n    sms:in${i}: { a: [ "", x ] }\n    sms:below${i}:\n        a: ${scalar}\n`,
        );
        await assertAgreed(`config:\n${plain.join("")}`);
    });

    it("is refused by the program's reader wherever the engine refuses it, however it is broken", async () => {
        const broken = fc
            .tuple(
                stackFileTexts(),
                fc.nat(),
                fc.constantFrom("", "\t", ":", " ", "\n", "'", '"', "[", "}", "- ", "*x", "&y ", "# ", "\x85", "\r"),
            )
            .map(([text, at, what]) => text.slice(0, at % text.length) + what + text.slice((at % text.length) + (what === "" ? 1 : 0)))
            // What a file can hold: half of a character becomes another one.
            .map((text) => Buffer.from(text).toString());
        await fc.assert(
            fc.asyncProperty(broken, async (text) => {
                const said = await engine(text);
                try {
                    parseStackFile(text);
                } catch (error) {
                    assert.ok(error instanceof StackFileError, String(error));
                    return;
                }
                assert.ok(said, `the engine refuses\n${text}`);
                assertSame(text, said);
            }),
            { numRuns: 40, endOnFailure: true },
        );
    });

    it("says the same of each text, and is written so that it does", async () => {
        const texts = ["", "\n", " ", "a", ":", "#", "-", "\t", "\r", "\u0085", "\u2028", "\ufeff", "é", "'", '"'];
        const all = texts.flatMap((a) => texts.flatMap((b) => [a + b, `a${a}b${b}`, `${a}x${b}${a}`]));
        // The engine leaves out what several lines begin with; the reader refuses that.
        const taken = [...new Set(all)].filter((text) => !/^\s(.|\n)*\n|^\n/.test(text));
        await assertAgreed(stackFileText({ config: Object.fromEntries(taken.map((text, i) => [`sms:text${i}`, { text }])) }));
    });

    it("says the same, whatever is in it, and is written so that it does", async () => {
        await fc.assert(
            fc.asyncProperty(stackFileTexts(60), async (text) => {
                await assertAgreed(text);
                await assertAgreed(stackFileText({ config: parseStackFile(text).config }));
            }),
            { numRuns: 10, endOnFailure: true },
        );
    });
});
