import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commentOf, pullRequestsAt, putComment } from "../../operations/comment";
import { deployment, documentOf, step } from "./previews";

const report = "<!-- sms preview of online -->\n\n## Preview";
const run = { commit: "0123456789abcdef0123456789abcdef01234567", url: "https://github.com/o/r/actions/runs/9" };

interface Comment {
    id: number;
    body: string;
    user: { type: string };
    html_url: string;
}

/** A stand-in of GitHub with the requests that a comment needs. */
describe("the comment under a pull request", () => {
    let server: Server;
    let comments: Comment[];
    let requests: string[];
    const github = () => ({ api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, repository: "o/r", token: "t" });

    before(async () => {
        server = createServer(async (request, response) => {
            const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
            requests.push(`${request.method} ${pathname}`);
            assert.equal(request.headers.authorization, "Bearer t");
            let body = "";
            for await (const chunk of request) {
                body += chunk;
            }
            const answer = () => {
                if (pathname.endsWith("/pulls")) {
                    return searchParams.get("head") === "fork:branch"
                        ? [7, 8].map((number) => ({ number, head: { sha: `at ${number}` } }))
                        : [];
                }
                if (request.method === "GET") {
                    const page = Number(searchParams.get("page"));
                    return comments.slice((page - 1) * 100, page * 100);
                }
                return { html_url: `${request.method} ${JSON.parse(body).body.length}` };
            };
            response.end(JSON.stringify(answer()));
        });
        await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    });
    beforeEach(() => {
        comments = [];
        requests = [];
    });
    after(() => server.close());

    const comment = (id: number, body: string, type = "Bot") => ({ id, body, user: { type }, html_url: "" });

    it("is created once and then updated in place", async () => {
        await putComment(github(), "online", 7, report);
        assert.equal(requests.at(-1), "POST /repos/o/r/issues/7/comments");
        comments = [comment(1, "hello"), comment(2, `${report} of yesterday`)];
        await putComment(github(), "online", 7, report);
        assert.equal(requests.at(-1), "PATCH /repos/o/r/issues/comments/2");
    });

    it("is found after a hundred others", async () => {
        comments = [...Array.from({ length: 100 }, (_, i) => comment(i, "talk", "User")), comment(500, report)];
        await putComment(github(), "online", 7, report);
        assert.equal(requests.at(-1), "PATCH /repos/o/r/issues/comments/500");
    });

    it("doesn't affect other users' comments, with any beginning, and those of other stacks", async () => {
        comments = [comment(1, report, "User"), comment(2, report.replace("online", "test"))];
        await putComment(github(), "online", 7, report);
        assert.equal(requests.at(-1), "POST /repos/o/r/issues/7/comments");
    });

    it("is created for a stack with a dot in its name", async () => {
        await putComment(github(), "eu-1.online", 7, report.replace("online", "eu-1.online"));
        assert.equal(requests.at(-1), "POST /repos/o/r/issues/7/comments");
    });

    it("is added to the open pull requests of that branch that are at the previewed commit", async () => {
        assert.deepEqual(await pullRequestsAt(github(), "fork:branch", "at 8"), [8]);
        assert.deepEqual(await pullRequestsAt(github(), "fork:branch", "older"), []);
        assert.deepEqual(await pullRequestsAt(github(), "other:branch", "at 8"), []);
    });
});

describe("the comment's text", () => {
    const folder = mkdtempSync(join(tmpdir(), "sms-comment-"));
    const file = join(folder, "preview.json");
    after(() => rmSync(folder, { recursive: true }));
    const told = (content: string) => {
        writeFileSync(file, content);
        return commentOf("online", file, run);
    };

    it("has the preview's data, with commit and run from the arguments", () => {
        const text = told(JSON.stringify(documentOf([step("create", deployment, "web")])));
        assert.match(text, /^<!-- sms preview of online -->\n\n## Preview of `online`: 1 to create\n/);
        assert.match(text, /Commit `0123456789ab` · \[run\]/);
    });

    it("says that there is no report if it is missing or invalid", () => {
        assert.match(
            commentOf("online", join(folder, "nothing"), run),
            /^<!-- sms preview of online -->\n\n## Preview of `online`: \*\*no result\*\*/,
        );
        assert.match(commentOf("online", join(folder, "nothing"), run), /it was cut off, or failed before the engine began/);
        for (const [content, reason] of [
            ["", "can't be read as JSON"],
            ["# Buy now", "can't be read as JSON"],
            ['{"format":1}', "This is no preview's document: stack"],
            [JSON.stringify(documentOf([], { stack: "test" })), "it previewed `test`"],
        ] as const) {
            assert.match(told(content), new RegExp(reason));
        }
    });

    it("has no text of the file that GitHub would interpret", () => {
        const evil = "[x](https://evil.example) @admin <img src=x>\n\n# Buy now";
        const document = documentOf([step("create", deployment, "web")], {
            errors: [`\`\`\`\n${evil}`],
            refused: [evil],
            passed: [evil],
            violations: [{ policy: evil, message: evil, isMandatory: true }],
            missing: [{ key: evil, message: evil, fix: evil }],
            changedSecrets: [evil],
            against: "nothing",
            baseProblem: evil,
        });
        const [change] = document.changes;
        const text = told(
            JSON.stringify({
                ...document,
                changes: [{ ...change, name: evil, type: evil, lost: evil, properties: [{ path: evil, from: evil }] }],
            }),
        );
        // GitHub does not format text in code and in code blocks.
        const rest = text.replace(/^(`{3,})[^`]*[\s\S]*?^\1$/gm, "").replace(/`[^`\n]*`/g, "");
        assert.doesNotMatch(rest, /@admin|https:\/\/evil|<img|^# Buy/m);
        assert.doesNotMatch(rest, /(?<!\\)\[x\]/);
    });
});
