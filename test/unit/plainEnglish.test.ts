import assert from "node:assert/strict";
import { createRequire } from "node:module";

interface Finding {
    lineNumber: number;
    detail: string;
}

const rule = createRequire(__filename)("../lint/plainEnglish.cjs");

/** The findings of the linter's rule in a document. */
function findings(text: string, name = "README.md"): string[] {
    const found: string[] = [];
    const params = { lines: text.split("\n"), name, frontMatterLines: [] };
    rule.function(params, ({ lineNumber, detail }: Finding) => found.push(`${lineNumber}: ${detail}`));
    return found;
}

describe("the rule for plain English", () => {
    it("refuses a word with a plainer alternative, and names its line", () => {
        assert.deepEqual(findings("# Title\n\nAsk whoever runs it."), [`3: "whoever": write the person's role, or a sentence with if`]);
        assert.equal(findings("The pod goes on serving.").length, 1);
        assert.equal(findings("The operator is on call, and goes on holiday.").length, 0);
    });

    it("ignores code, quotations and the pairs of before and after", () => {
        assert.deepEqual(findings('```sh\nmend anew\n```\nRun `mend anew`; it prints "mend anew".'), []);
        assert.deepEqual(findings("| whoever runs it | the operator |", "CONTRIBUTING.md"), []);
    });

    it("refuses a sentence that is too long, and counts each cell and each sentence separately", () => {
        const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");
        assert.match(findings(`${words(31)}.`)[0] ?? "", /^1: 31 words/);
        assert.deepEqual(findings(`${words(30)}. ${words(30)}: ${words(30)}\n| ${words(30)} | ${words(30)} |`), []);
        assert.deepEqual(findings(`[${words(28)}](https://a.example/b) \`a b c d\` – .`), []);
    });
});
