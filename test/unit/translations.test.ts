import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clone } from "../../toolchain/places";

/** The parts that are the same in each language: the number of headings per level, the rows of each table, and all commands. */
function outline(file: string) {
    const text = readFileSync(join(clone, file), "utf8");
    const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
    const commands = blocks.filter(([, language]) => language === "sh").map(([, , lines = ""]) => lines.replace(/\s*#.*$/gm, "").trim());
    const rest = text.replace(/^```[\s\S]*?^```$/gm, "");
    return {
        headings: [...rest.matchAll(/^(#+) /gm)].map(([, level]) => level),
        tables: [...rest.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => table.trim().split("\n").length),
        commands,
    };
}

const translated = readdirSync(join(clone, "docs")).filter((name) => name.endsWith(".zh.md"));

describe("a document in Chinese", () => {
    for (const name of translated) {
        it(`has the same content as the English one: ${name}`, () => {
            const english = join("docs", name.replace(".zh.md", ".md"));
            assert.ok(existsSync(join(clone, english)), english);
            assert.deepEqual(outline(join("docs", name)), outline(english));
        });
    }
});
