import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keepIssue } from "../../operations/drift";
import { deployment, documentOf, step } from "./previews";

/** A stand-in of GitHub with the requests that an issue needs. */
describe("the issue about drift", () => {
    let server: Server;
    let open: { number: number; body: string; html_url: string }[];
    let requests: string[];
    const github = () => ({ api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, repository: "o/r", token: "t" });
    const document = documentOf([step("update", deployment, "web-deployment")]);
    const issue = { number: 4, body: "<!-- sms drift of online -->\nyesterday", html_url: "https://github.com/o/r/issues/4" };

    before(async () => {
        server = createServer(async (request, response) => {
            let body = "";
            for await (const chunk of request) {
                body += chunk;
            }
            requests.push(`${request.method} ${request.url} ${body.slice(0, 120)}`);
            response.end(JSON.stringify(request.method === "GET" ? open : issue));
        });
        await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    });
    beforeEach(() => {
        open = [];
        requests = [];
    });
    after(() => server.close());

    it("is opened if something differs, and is then updated", async () => {
        assert.equal(await keepIssue(github(), document, true), issue.html_url);
        assert.match(
            requests.at(-1) ?? "",
            /^POST \/repos\/o\/r\/issues \{"title":"online differs from main","body":"<!-- sms drift of online -->/,
        );
        open = [{ ...issue, body: "<!-- sms drift of test -->", number: 3 }, issue];
        await keepIssue(github(), document, true);
        assert.match(requests.at(-1) ?? "", /^PATCH \/repos\/o\/r\/issues\/4 \{"title"/);
    });

    it("is closed when nothing differs, and not opened for that", async () => {
        assert.equal(await keepIssue(github(), document, false), "Nothing differs.");
        assert.equal(requests.length, 1);
        open = [issue];
        assert.match(await keepIssue(github(), document, false), /closed https:\/\/github\.com\/o\/r\/issues\/4/);
        assert.match(requests.at(-1) ?? "", /^PATCH \/repos\/o\/r\/issues\/4 \{"state":"closed"/);
    });
});
