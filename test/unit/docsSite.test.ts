import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { problems } from "../../docs/.vitepress/check";
import { tokenize } from "../../docs/.vitepress/config";
import { pages, picture, target } from "../../docs/.vitepress/pages";

const repository = { address: "https://github.com/example/sms", commit: "abc" };

describe("a page of the documents' site", () => {
    it("shows each document in both languages, in English if there is no translation", () => {
        for (const [page, document] of [
            ["index.md", "README.md"],
            ["zh/index.md", "README.zh.md"],
            ["contributing.md", "CONTRIBUTING.md"],
            ["going-online.md", "docs/going-online.md"],
            ["mainland-china.md", "docs/mainland-china.md"],
            ["zh/mainland-china.md", "docs/mainland-china.zh.md"],
            ["documents.md", "docs/README.md"],
            ["decisions/index.md", "docs/decisions/README.md"],
            ["zh/decisions/0001-app-at-least-once.md", "docs/decisions/0001-app-at-least-once.md"],
        ] as const) {
            assert.equal(pages.get(page), document, page);
        }
        assert.equal([...pages.keys()].filter((page) => page.startsWith("zh/")).length, pages.size / 2);
    });

    for (const [page, href, leads] of [
        ["index.md", "docs/going-online.md#7-the-pipeline", "/going-online#7-the-pipeline"],
        ["going-online.md", "../README.md#two-commands", "/#two-commands"],
        ["decisions/0001-app-at-least-once.md", "../README.md", "/documents"],
        ["documents.md", "decisions/README.md", "/decisions/"],
        ["index.md", "README.zh.md", "/zh/"],
        ["zh/index.md", "README.md", "/"],
        ["zh/index.md", "docs/going-online.md", "/zh/going-online"],
        ["zh/going-online.md", "on-call.md#alert", "/zh/on-call#alert"],
        ["zh/mainland-china.md", "mainland-china.md", "/mainland-china"],
        ["zh/questions.md", "../README.md#two-commands", "/#two-commands"],
        ["zh/documents.md", "../README.zh.md#目录", "/zh/#目录"],
        ["on-call.md", "#alert", "#alert"],
        ["on-call.md", "https://example.com/a.md", "https://example.com/a.md"],
        ["documents.md", "../settings/schema.ts#L2", "https://github.com/example/sms/blob/abc/settings/schema.ts#L2"],
        ["zh/adopting.md", "../test/adopting", "https://github.com/example/sms/tree/abc/test/adopting"],
    ] as const) {
        it(`leads from ${page} by ${href} to ${leads}`, () => assert.equal(target(page, href, repository), leads));
    }

    it("names a file of the code without a link where nobody knows the repository", () => {
        assert.equal(target("documents.md", "../index.ts", undefined), undefined);
    });

    it("shows the pictures of its document", () => {
        assert.equal(picture("on-call.md", "dashboard.svg"), "dashboard.svg");
        assert.equal(picture("zh/performance.md", "performance/web.svg"), "../performance/web.svg");
    });
});

describe("the search", () => {
    it("finds words, parts of names, and each two neighbours in Chinese", () => {
        assert.deepEqual(tokenize("set sms:web.replicas, 用Pulumi轮换密码"), [
            "set",
            "sms",
            "web",
            "replicas",
            "用",
            "Pulumi",
            "轮换",
            "换密",
            "密码",
        ]);
    });
});

describe("the check of the built site", () => {
    it("finds missing pages, and links and pictures that lead nowhere", () => {
        const site = mkdtempSync(join(tmpdir(), "sms-site-"));
        const put = (name: string, html: string) => writeFileSync(join(site, name), html);
        put("index.html", '<a href="/sms/a.html#b">1</a><a class="x" href="a.html#c">2</a><a href="/sms/">3</a><a href="/a.html">4</a>');
        put("a.html", '<h2 id="b"></h2><img src="/sms/d.svg"><a href="#b">5</a><a href="https://example.com/#e">6</a>');
        assert.deepEqual(problems(site, "/sms/", ["index.md", "f.md"]), [
            "f.html: no such page",
            "a.html: /sms/d.svg: no such page or file",
            "index.html: a.html#c: no such heading",
            "index.html: /a.html: no such page or file",
        ]);
        rmSync(site, { recursive: true });
    });
});
