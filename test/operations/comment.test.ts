import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { putComment } from "../../operations/comment";

const report = "<!-- sms preview of online -->\n\n## Preview";

interface Comment {
    id: number;
    body: string;
    user: { type: string };
    html_url: string;
}

/** As much of GitHub as a comment needs. */
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
                if (pathname.endsWith("/pulls/7")) {
                    return { head: { sha: "abc" } };
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

    it("is made once and then updated in place", async () => {
        await putComment(github(), 7, "abc", report);
        assert.equal(requests.at(-1), "POST /repos/o/r/issues/7/comments");
        comments = [comment(1, "hello"), comment(2, `${report} of yesterday`)];
        await putComment(github(), 7, "abc", report);
        assert.equal(requests.at(-1), "PATCH /repos/o/r/issues/comments/2");
    });

    it("is found behind a hundred others", async () => {
        comments = [...Array.from({ length: 100 }, (_, i) => comment(i, "talk", "User")), comment(500, report)];
        await putComment(github(), 7, "abc", report);
        assert.equal(requests.at(-1), "PATCH /repos/o/r/issues/comments/500");
    });

    it("leaves comments of people alone, whatever they begin with, and those of other stacks", async () => {
        comments = [comment(1, report, "User"), comment(2, report.replace("online", "test"))];
        await putComment(github(), 7, "abc", report);
        assert.equal(requests.at(-1), "POST /repos/o/r/issues/7/comments");
    });

    it("is made for a stack with a dot in its name", async () => {
        await putComment(github(), 7, "abc", report.replace("online", "eu-1.online"));
        assert.equal(requests.at(-1), "POST /repos/o/r/issues/7/comments");
    });

    it("goes nowhere if the pull request isn't at the commit that was previewed", async () => {
        await assert.rejects(putComment(github(), 7, "other", report), /is at abc and not at other/);
        assert.ok(requests.every((request) => request.startsWith("GET")));
    });

    it("takes nothing but a report", async () => {
        await assert.rejects(putComment(github(), 7, "abc", "# Buy now"), /no preview's report/);
        assert.deepEqual(requests, []);
    });
});
