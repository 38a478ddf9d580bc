/**
 * `npm run preview:comment -- --stack online --head SHA --branch owner:branch --run URL --file preview.json`: posts a preview's
 * report as a comment of its pull request, and overwrites the previous report. The pull request's author controls the file's content.
 * So the file is read as data, and this code writes the report. All other values come from GitHub.
 */
import { existsSync } from "node:fs";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../cli/command";
import { nameOnly } from "../cli/stackName";
import { readDocument } from "./document";
import { call, type GitHub, gitHub } from "./github";
import { OperationError } from "./operation";
import { deadReport, marker, type Run, report } from "./report";

interface PullRequest {
    number: number;
    head: { sha: string };
}

interface Comment {
    id: number;
    body: string;
    user: { type: string };
}

/** The open pull requests whose head is this commit of this branch, `owner:branch`. */
export async function pullRequestsAt(github: GitHub, branch: string, commit: string): Promise<number[]> {
    const open = await call<PullRequest[]>(github, "GET", `pulls?state=open&per_page=100&head=${encodeURIComponent(branch)}`);
    return open.filter(({ head }) => head.sha === commit).map(({ number }) => number);
}

/** The report of the document in a file. If there is no valid document, a report that says so. */
export function commentOf(stack: string, file: string, run: Run): string {
    if (!existsSync(file)) {
        return deadReport(stack, "it was cut off, or failed before the engine began.", run);
    }
    try {
        const document = readDocument(file);
        return document.stack === stack ? report(document, run) : deadReport(stack, `it previewed \`${document.stack}\`.`, run);
    } catch (error) {
        if (error instanceof OperationError) {
            return deadReport(stack, error.message, run);
        }
        throw error;
    }
}

/** Creates or updates the comment. Returns its URL. */
export async function putComment(github: GitHub, stack: string, pullRequest: number, body: string): Promise<string> {
    const earlier = await commentBy(github, pullRequest, marker(stack));
    const { html_url: address } = earlier
        ? await call<{ html_url: string }>(github, "PATCH", `issues/comments/${earlier.id}`, { body })
        : await call<{ html_url: string }>(github, "POST", `issues/${pullRequest}/comments`, { body });
    return address;
}

/** Considers only comments by bots, because anybody can write the marker into a comment. */
async function commentBy(github: GitHub, pullRequest: number, start: string): Promise<Comment | undefined> {
    for (let page = 1; ; page++) {
        const comments = await call<Comment[]>(github, "GET", `issues/${pullRequest}/comments?per_page=100&page=${page}`);
        const found = comments.find(({ body, user }) => user.type === "Bot" && body.startsWith(start));
        if (found !== undefined || comments.length < 100) {
            return found;
        }
    }
}

interface Options {
    readonly stack: string;
    readonly head: string;
    readonly branch: string;
    readonly run: string;
    readonly file: string;
}

async function comment({ stack, head, branch, run, file }: Options): Promise<number> {
    const github = gitHub();
    if (github === undefined) {
        throw new OperationError("Set GITHUB_REPOSITORY and GITHUB_TOKEN, as a workflow does.");
    }
    const numbers = await pullRequestsAt(github, branch, head);
    if (numbers.length === 0) {
        process.stdout.write(`No open pull request is at ${head} of ${branch}: the preview of a later commit will comment.\n`);
    }
    for (const number of numbers) {
        process.stdout.write(`${await putComment(github, stack, number, commentOf(stack, file, { commit: head, url: run }))}\n`);
    }
    return 0;
}

function commit(text: string): string {
    if (!/^[0-9a-f]{40}$/.test(text)) {
        throw new InvalidArgumentError("Allowed: a whole commit id.");
    }
    return text;
}

function address(text: string): string {
    if (!/^https:\/\/[\w./-]+$/.test(text)) {
        throw new InvalidArgumentError("Allowed: the run's https address.");
    }
    return text;
}

if (require.main === module) {
    start(
        script("preview:comment", "Posts a preview's report as a comment of its pull request, and overwrites the previous report.")
            .requiredOption("--stack <name>", "the stack that was previewed", nameOnly)
            .requiredOption("--head <commit>", "the commit that was previewed", commit)
            .requiredOption("--branch <owner:branch>", "the branch of the commit")
            .requiredOption("--run <url>", "the workflow run that previewed it", address)
            .requiredOption("--file <file>", "the output of `preview --json`")
            .action(exitCode(comment)),
    );
}
