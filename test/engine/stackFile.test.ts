import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { assertSame, type Engine, engineIn } from "../../lab/fixtures/engineReader";
import { stackFileTexts, trickyScalars } from "../../lab/fixtures/stackFileTexts";
import { parseStackFile, StackFileError, stackFileText } from "../../settings/stackFile";

describe("a stack file, read by the engine and by the program's own reader", () => {
    let folder: string;
    let engine: Engine;

    before("an engine with its own backend", async () => {
        folder = mkdtempSync(join(tmpdir(), "sms-read-"));
        engine = await engineIn(folder);
    });

    after(() => rmSync(folder, { recursive: true }));

    async function assertAgreed(text: string): Promise<void> {
        const said = await engine(text);
        assert.ok(said, `the engine refuses\n${text}`);
        assertSame(text, said);
    }

    it("has the same value for each scalar with a special meaning in YAML", async () => {
        const plain = trickyScalars.map(
            (scalar, i) => `    sms:top${i}: ${scalar}\n    sms:in${i}: { a: [ "", x ] }\n    sms:below${i}:\n        a: ${scalar}\n`,
        );
        await assertAgreed(`config:\n${plain.join("")}`);
    });

    it("is refused by the program's reader if the engine refuses it, for any broken file", async () => {
        const broken = fc
            .tuple(
                stackFileTexts(),
                fc.nat(),
                fc.constantFrom("", "\t", ":", " ", "\n", "'", '"', "[", "}", "- ", "*x", "&y ", "# ", "\x85", "\r"),
            )
            .map(([text, at, what]) => text.slice(0, at % text.length) + what + text.slice((at % text.length) + (what === "" ? 1 : 0)))
            // Half of a surrogate pair can't be stored in a file and becomes another character.
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

    it("has the same value for each text, and is written so that it does", async () => {
        const texts = ["", "\n", " ", "a", ":", "#", "-", "\t", "\r", "\u0085", "\u2028", "\ufeff", "é", "'", '"'];
        const all = texts.flatMap((a) => texts.flatMap((b) => [a + b, `a${a}b${b}`, `${a}x${b}${a}`]));
        // The engine drops spaces and line breaks at the beginning of a text with several lines. The reader refuses them.
        const taken = [...new Set(all)].filter((text) => !/^\s(.|\n)*\n|^\n/.test(text));
        await assertAgreed(stackFileText({ config: Object.fromEntries(taken.map((text, i) => [`sms:text${i}`, { text }])) }));
    });

    it("has the same values for any content, and is written so that it does", async () => {
        await fc.assert(
            fc.asyncProperty(stackFileTexts(60), async (text) => {
                await assertAgreed(text);
                await assertAgreed(stackFileText({ config: parseStackFile(text).config }));
            }),
            { numRuns: 10, endOnFailure: true },
        );
    });
});
