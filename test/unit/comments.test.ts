import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { findings } = createRequire(__filename)("../lint/plainEnglish.cjs") as { findings: (line: string) => string[] };

interface Comment {
    readonly line: number;
    readonly text: string;
}

const kinds = {
    // A comment at the end of a line comes after code that ends there.
    js: /^[ \t]*\/\*\*?([\s\S]*?)\*\/|(?:^[ \t]*|[,;{})\]] )\/\/ (.*)$/gm,
    py: /^[ \t]*(?:"""([\s\S]*?)"""|# (.*)$)/gm,
};

/** The comments and docstrings of a program. Successive line comments are one comment. */
function commentsIn(source: string, kind: RegExp): Comment[] {
    const comments: Comment[] = [];
    let end: number | undefined;
    for (const { 0: whole, 1: block, 2: text = block as string, index } of source.matchAll(kind)) {
        const line = source.slice(0, index).split("\n").length;
        const before = comments.at(-1);
        const isOwnLine = block === undefined && /^\s*(?:\/\/|#)/.test(whole);
        if (isOwnLine && end === line - 1 && before !== undefined) {
            comments[comments.length - 1] = { ...before, text: `${before.text}\n${text}` };
        } else {
            comments.push({ line, text: text.replace(/^\s*\*+ ?/gm, "").trim() });
        }
        end = isOwnLine ? line : undefined;
    }
    return comments;
}

/** The rule's findings in the comments of a file. A sentence may have several lines. Paragraphs are checked separately. */
function findingsIn(file: string, source: string): string[] {
    return commentsIn(source, file.endsWith(".py") ? kinds.py : kinds.js).flatMap(({ line, text }) =>
        text
            .split(/\n\s*\n|\n(?=\s*(?:[-*|]|@\w))/)
            .flatMap((paragraph) => findings(paragraph.replace(/\s+/g, " ")))
            .map((finding) => `${file}:${line}: ${finding}`),
    );
}

describe("comments in the code", () => {
    it("are found with their lines, for each kind", () => {
        const source = ["/** One\n * block. */", 'const a = "https://a.example";', "// two", "// lines", "f(); // last"].join("\n");
        assert.deepEqual(commentsIn(source, kinds.js), [
            { line: 1, text: "One\nblock." },
            { line: 4, text: "two\nlines" },
            { line: 6, text: "last" },
        ]);
        assert.deepEqual(commentsIn('"""Doc\n\nstring."""\n# two\n# lines\na = "# none"\n', kinds.py), [
            { line: 1, text: "Doc\n\nstring." },
            { line: 4, text: "two\nlines" },
        ]);
    });

    it("are in plain English, as CONTRIBUTING.md requires", () => {
        const files = execFileSync("git", ["ls-files", "*.ts", "*.cjs", "*.py"], { encoding: "utf8" }).trim().split("\n");
        assert.ok(files.length > 200);
        assert.deepEqual(
            files.filter((file) => !file.endsWith("lint/plainEnglish.cjs")).flatMap((file) => findingsIn(file, readFileSync(file, "utf8"))),
            [],
        );
    });
});
