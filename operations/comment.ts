/**
 * `npm run preview:comment -- --file preview.md --pr 7 --head SHA`: puts a preview's report under its pull request, in the place
 * of the one before. Whoever opened the pull request wrote the report and its number, so neither is trusted.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { OperationError, run } from "./operation";

export interface GitHub {
    /** `https://api.github.com`. */
    readonly api: string;
    /** `owner/name`. */
    readonly repository: string;
    readonly token: string;
}

interface Comment {
    id: number;
    body: string;
    user: { type: string };
}

const longest = 65_000;

/** The comment's address. Refuses a pull request that isn't at the commit that was previewed. */
export async function putComment(github: GitHub, pullRequest: number, head: string, report: string): Promise<string> {
    const [marker = ""] = report.split("\n");
    if (!/^<!-- sms preview of [\w-]+ -->$/.test(marker)) {
        throw new OperationError("This is no preview's report: its first line is no marker.");
    }
    const { head: actual } = await call<{ head: { sha: string } }>(github, "GET", `pulls/${pullRequest}`);
    if (actual.sha !== head) {
        throw new OperationError(`Pull request ${pullRequest} is at ${actual.sha} and not at ${head}: its own preview will tell.`);
    }
    const body = report.slice(0, longest);
    const earlier = await commentBy(github, pullRequest, marker);
    const { html_url: address } = earlier
        ? await call<{ html_url: string }>(github, "PATCH", `issues/comments/${earlier.id}`, { body })
        : await call<{ html_url: string }>(github, "POST", `issues/${pullRequest}/comments`, { body });
    return address;
}

/** Only a bot's: anybody can write the marker into a comment. */
async function commentBy(github: GitHub, pullRequest: number, marker: string): Promise<Comment | undefined> {
    for (let page = 1; ; page++) {
        const comments = await call<Comment[]>(github, "GET", `issues/${pullRequest}/comments?per_page=100&page=${page}`);
        const found = comments.find(({ body, user }) => user.type === "Bot" && body.startsWith(marker));
        if (found !== undefined || comments.length < 100) {
            return found;
        }
    }
}

async function call<T>({ api, repository, token }: GitHub, method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${api}/repos/${repository}/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json", "content-type": "application/json" },
        body: body && JSON.stringify(body),
    });
    if (!response.ok) {
        throw new OperationError(`GitHub answers ${response.status} to ${method} ${path}: ${await response.text()}`);
    }
    return (await response.json()) as T;
}

async function comment(args: string[]): Promise<number> {
    const { values } = parseArgs({ args, options: { file: { type: "string" }, pr: { type: "string" }, head: { type: "string" } } });
    const { GITHUB_API_URL: api = "https://api.github.com", GITHUB_REPOSITORY: repository, GITHUB_TOKEN: token } = process.env;
    const pullRequest = Number(values.pr);
    if (!values.file || !values.head || !Number.isInteger(pullRequest) || !repository || !token) {
        throw new OperationError("npm run preview:comment -- --file preview.md --pr 7 --head SHA, with GITHUB_REPOSITORY and GITHUB_TOKEN");
    }
    const address = await putComment({ api, repository, token }, pullRequest, values.head, readFileSync(values.file, "utf8"));
    process.stdout.write(`${address}\n`);
    return 0;
}

if (require.main === module) {
    run(async () => comment(process.argv.slice(2)));
}
