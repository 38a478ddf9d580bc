/**
 * `npm run drift -- --stack online`: compares the cloud and the cluster with the program, and reports the changes that an `up` would
 * make. In a workflow it maintains one GitHub issue: opened or updated while something differs, closed when nothing differs. It changes
 * nothing else.
 */
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import type { Document } from "./document";
import { call, type GitHub, gitHub } from "./github";
import { preview } from "./preview";
import { report } from "./report";

interface Options {
    readonly stack: StackName;
}

interface Issue {
    number: number;
    body: string | null;
    html_url: string;
    user: { type: string };
}

async function drift({ stack }: Options): Promise<number> {
    const { document, succeeded, isChange } = await preview({ stack, state: true, refresh: true });
    const github = gitHub();
    if (github !== undefined) {
        process.stdout.write(`${await keepIssue(github, document, isChange || !succeeded)}\n`);
    }
    return succeeded ? 0 : 1;
}

function marker(stack: string): string {
    return `<!-- sms drift of ${stack} -->`;
}

/** Opens, updates or closes the issue. Returns a sentence about it, or the issue's URL. */
export async function keepIssue(github: GitHub, document: Document, differs: boolean): Promise<string> {
    const { stack } = document;
    const open = await call<Issue[]>(github, "GET", "issues?state=open&creator=github-actions%5Bbot%5D&per_page=100");
    const known = open.find(({ body }) => body?.startsWith(marker(stack)));
    if (!differs) {
        if (known === undefined) {
            return "Nothing differs.";
        }
        await call(github, "PATCH", `issues/${known.number}`, { state: "closed", state_reason: "completed" });
        return `Nothing differs any more: closed ${known.html_url}`;
    }
    const text = {
        title: `${stack} differs from main`,
        body: `${marker(stack)}\n${advice}\n\n${report(document)}`,
    };
    const { html_url: address } = known
        ? await call<Issue>(github, "PATCH", `issues/${known.number}`, text)
        : await call<Issue>(github, "POST", "issues", text);
    return address;
}

const advice =
    'The cloud or the cluster has changed since the last `up`, or main has changes that are not deployed yet. The report below shows what the next `up` would do. To decide, read docs/going-online.md, "Drift".';

if (require.main === module) {
    start(
        script("drift", "Compares the cloud and the cluster with main, and shows what an `up` would change. Changes nothing.")
            .addOption(stackOption(stackOfBackend))
            .action(exitCode(drift)),
    );
}
