/**
 * `npm run preview:comment -- --file preview.md --pr 7 --head SHA`: puts a preview's report under its pull request, in the place
 * of the one before. Whoever opened the pull request wrote the report and its number, so neither is trusted.
 */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../cli/command";
import { OperationError } from "./operation";

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
    if (!/^<!-- sms preview of [\w.-]+ -->$/.test(marker)) {
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

interface Options {
    readonly file: string;
    readonly pr: number;
    readonly head: string;
}

async function comment({ file, pr, head }: Options): Promise<number> {
    const { GITHUB_API_URL: api = "https://api.github.com", GITHUB_REPOSITORY: repository, GITHUB_TOKEN: token } = process.env;
    if (!repository || !token) {
        throw new OperationError("GITHUB_REPOSITORY and GITHUB_TOKEN have to be set, as they are in a workflow.");
    }
    const address = await putComment({ api, repository, token }, pr, head, readFileSync(file, "utf8"));
    process.stdout.write(`${address}\n`);
    return 0;
}

function pullRequest(text: string): number {
    if (!/^[1-9]\d{0,9}$/.test(text)) {
        throw new InvalidArgumentError("Allowed: the number of a pull request.");
    }
    return Number(text);
}

function commit(text: string): string {
    if (!/^[0-9a-f]{40}$/.test(text)) {
        throw new InvalidArgumentError("Allowed: a whole commit id.");
    }
    return text;
}

if (require.main === module) {
    start(
        script("preview:comment", "Puts a preview's report under its pull request, in the place of the one before.")
            .requiredOption("--file <file>", "the report")
            .requiredOption("--pr <number>", "the pull request", pullRequest)
            .requiredOption("--head <commit>", "the commit that was previewed", commit)
            .action(exitCode(comment)),
    );
}
