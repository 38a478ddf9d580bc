import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { slug } from "../../docs/.vitepress/pages";
import { clone } from "../../toolchain/places";

/** Folders without texts of this project. */
const others = new Set(["node_modules", ".git", ".venv", "dist", "sbom"]);

function documents(folder: string): string[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) {
            return others.has(entry.name) ? [] : documents(path);
        }
        return entry.isFile() && entry.name.endsWith(".md") ? [path] : [];
    });
}

const withoutBlocks = (text: string) => text.replace(/^( *)(```|~~~)[\s\S]*?^\1\2 *$/gm, "");

/** The anchors of a document's headings, as GitHub generates them. */
function anchors(text: string): Set<string> {
    const found = new Set<string>();
    for (const [, heading = ""] of withoutBlocks(text).matchAll(/^#{1,6} +(.*?) *$/gm)) {
        const words = slug(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"));
        let anchor = words;
        for (let times = 1; found.has(anchor); times++) {
            anchor = `${words}-${times}`;
        }
        found.add(anchor);
    }
    return found;
}

/**
 * The most lines between a link's line and its word. A reader still sees the word, and not every edit of the code must change a document.
 */
const sight = 10;

/** Matches whole words: `preStop` does not match `preStopSeconds`. */
const has = (content: string, code: string) =>
    content.split(code).some((after, place, parts) => place > 0 && !/\w$/.test(parts[place - 1] ?? "") && !/^\w/.test(after));

/** The links to a line whose text names code that is not near it: `[\`replicas\`](schema.ts#L113)`. */
function lost(document: string, text: string): string[] {
    return [...withoutBlocks(text).matchAll(/\[`([^`\]]+)`[^\]]*\]\(([^)\s#]+)#L(\d+)\)/g)].flatMap(
        ([, code = "", path = "", line = ""]) => {
            const lines = readFileSync(resolve(dirname(document), path), "utf8").split("\n");
            const near = lines.slice(Math.max(0, Number(line) - 1 - sight), Number(line) + sight);
            const places = lines.flatMap((content, place) => (has(content, code) ? [place + 1] : []));
            return near.some((content) => has(content, code)) ? [] : [`${path}#L${line}: ${code} is on ${places.join(", ") || "no line"}`];
        },
    );
}

/** The links into this repository, without those in code and code blocks. */
function links(text: string): string[] {
    const prose = withoutBlocks(text).replace(/`[^`\n]*`/g, "code");
    const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
    const defined = [...prose.matchAll(/^ *\[[^\]]+\]: +<?([^\s>]+)>?/gm)];
    return [...inline, ...defined].map(([, link = ""]) => link).filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
}

/** Why the link is broken, or undefined. */
function problem(document: string, link: string): string | undefined {
    const [path = "", anchor] = link.split("#").map(decodeURIComponent);
    const target = path === "" ? document : resolve(dirname(document), path);
    if (relative(clone, target).startsWith("..") || !existsSync(target)) {
        return "no such file";
    }
    if (anchor === undefined || statSync(target).isDirectory()) {
        return anchor === undefined ? undefined : "a folder has no headings";
    }
    const text = readFileSync(target, "utf8");
    if (target.endsWith(".md")) {
        return anchors(text).has(anchor) ? undefined : "no such heading";
    }
    const line = /^L(\d+)(?:-L(\d+))?$/.exec(anchor);
    const last = line?.[2] ?? line?.[1];
    return last !== undefined && Number(last) <= text.split("\n").length ? undefined : "no such line";
}

describe("the documents", () => {
    const all = documents(clone);

    it("are found in all folders", () => {
        const names = all.map((path) => relative(clone, path));
        for (const name of ["README.md", "docs/going-online.md", "docs/decisions/README.md", ".github/PULL_REQUEST_TEMPLATE.md"]) {
            assert.ok(names.includes(name), name);
        }
    });

    it("link to files, headings and lines that exist", () => {
        const wrong = all.flatMap((document) =>
            links(readFileSync(document, "utf8")).flatMap((link) => {
                const why = problem(document, link);
                return why === undefined ? [] : [`${relative(clone, document)}: ${link}: ${why}`];
            }),
        );
        assert.deepEqual(wrong, []);
    });

    it("name the code to which their links to lines lead", () => {
        assert.deepEqual(
            all.flatMap((document) => lost(document, readFileSync(document, "utf8"))),
            [],
        );
        const wrong = lost(join(clone, "docs", "x.md"), "[`clone` in](../test/unit/links.test.ts#L1) [`nowhere-to`](../tsconfig.json#L1)");
        assert.deepEqual(wrong, ["../tsconfig.json#L1: nowhere-to is on no line"]);
    });

    it("fail the test if a link is broken", () => {
        const here = join(clone, "docs", "x.md");
        assert.deepEqual(
            ["../README.md#two-commands", "../README.md#no", "no.md", "../..", "../package.json#L2", "../package.json#L9999"].map((link) =>
                problem(here, link),
            ),
            [undefined, "no such heading", "no such file", "no such file", undefined, "no such line"],
        );
        assert.deepEqual(links('[a](b.md#c "d") `[e](f.md)` [g](https://h.example)\n```sh\n[i](j.md)\n```\n[k]: l.md\n'), [
            "b.md#c",
            "l.md",
        ]);
        assert.deepEqual(
            [...anchors("# Who's `A.b`: [c](d.md)\n## 1. Twice\n## 1. Twice\n```\n# no\n```\n")],
            ["whos-ab-c", "1-twice", "1-twice-1"],
        );
    });
});

describe("the decisions", () => {
    const folder = join(clone, "docs", "decisions");
    const names = readdirSync(folder).filter((name) => name !== "README.md");
    const index = readFileSync(join(folder, "README.md"), "utf8");

    it("have successive numbers", () => {
        const numbers = names.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1] ?? name).sort();
        assert.deepEqual(
            numbers,
            numbers.map((_, place) => `${place + 1}`.padStart(4, "0")),
        );
    });

    it("have a title, a date and a status", () => {
        const start = /^# .+\n\n\d{4}-\d\d-\d\d, (accepted|superseded by \[\d{4}\]\(\d{4}-[a-z0-9-]+\.md\))(; .+)?\n\n/;
        assert.deepEqual(
            names.filter((name) => !start.test(readFileSync(join(folder, name), "utf8"))),
            [],
        );
    });

    it("are in the index, each once and in order within its topic", () => {
        const topics = index
            .split(/^## /m)
            .map((topic) => [...topic.matchAll(/^- \[(\d{4})\]\((\1-[^)]+)\) \S/gm)].map(([, , file]) => file ?? ""));
        assert.deepEqual(topics.flat().sort(), names.sort());
        for (const topic of topics) {
            assert.deepEqual(topic, [...topic].sort());
        }
    });
});
