/**
 * `npm run preview -- --stack online`: the real engine's preview with all policies. It needs no cluster, no cloud, no docker
 * daemon, no keys and no passphrase, and leaves nothing behind. With `--base main` it compares this clone's resources with main's. With
 * `--state` it compares them with the stack's own state; then it needs all of these.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../toolchain/commands";
import { clone } from "../toolchain/places";
import { commitOf, previewBase } from "./base";
import { losses, nameIn, readPreview } from "./changes";
import { compare } from "./compare";
import { type Document, documentSchema } from "./document";
import { makeStack, onStack, throwAwayEngine } from "./engine";
import { withEnvironment } from "./esc";
import { halfMadeIn } from "./halfMade";
import { isOfMachine } from "./machineStacks";
import { OperationError } from "./operation";
import { ownImage } from "./ownImage";
import { type Completed, complete, readPlaceholders } from "./placeholders";
import { releasedFile } from "./releasedFile";
import { report, terminalReport } from "./report";
import { readStackFile } from "./stackFile";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    /** Compare to the stack's state instead of to nothing. */
    readonly state?: boolean;
    /** With `state`: first refresh the state from the cloud and the cluster. */
    readonly refresh?: boolean;
    /** Compare to the resources that this commit would create. */
    readonly base?: string;
    /** Refuse a stack file with missing settings. */
    readonly strict?: boolean;
    /** A file that also gets the report. */
    readonly markdown?: string;
    /** Write the document to standard output, and everything else to standard error. */
    readonly json?: boolean;
}

export interface Outcome {
    readonly document: Document;
    readonly succeeded: boolean;
    readonly isChange: boolean;
    /** Whether data would be lost. */
    readonly isLoss: boolean;
    /** The stack file that the engine read. It ends with this process. */
    readonly file: string;
}

export async function preview(options: Options): Promise<Outcome> {
    const { state, refresh = false, strict, markdown, json = false } = options;
    const { name: stack, qualified } = options.stack;
    if (state && isOfMachine(options.stack)) {
        throw new OperationError(
            `${stack} is this machine's own stack: \`npm run pulumi -- preview --stack ${stack}\` compares it to its state.`,
        );
    }
    if (state && options.base !== undefined) {
        throw new OperationError("--state and --base are two things to compare to: give only one of them.");
    }
    if (refresh && !state) {
        throw new OperationError("--refresh needs --state: it refreshes the stack's state from the cloud.");
    }
    const base = options.base === undefined ? undefined : await commitOf(options.base);
    const folder = temporaryFolder("preview");
    const file = readStackFile(clone, stack);
    const opened = state ? await withEnvironment(file, onStack(await pulumiCommand(), qualified, folder)) : file;
    const completed = complete(stack, opened, readPlaceholders());
    if (state || strict) {
        refuseGaps(stack, completed);
    }
    const terminal = json ? process.stderr : process.stdout;
    const say = (line: string) => terminal.write(`${line}\n`);
    const target = state ? await realStack(folder, options.stack, completed) : await throwAwayStack(folder, stack, completed, say);
    const based = base === undefined ? undefined : previewBase(base, stack, folder);
    const { seen, plan, failed, output } = await runEngine(target, state ? qualified : stack, folder, {
        // With a base, the engine's own output is hidden: it shows a comparison to nothing.
        say: base === undefined ? say : () => {},
        isColoured: terminal.isTTY,
        refresh,
    });
    const leaks = leaksIn(plan, output, state ? {} : completed.secrets);
    const succeeded = !failed && leaks.length === 0 && seen.refused.length === 0 && seen.isWhole;
    const known = documentSchema.parse({
        ...seen,
        format: 1,
        stack,
        against: state ? "state" : "nothing",
        at: new Date().toISOString(),
        succeeded,
        missing: completed.missing,
        unopened: state ? [] : (file.environment ?? []),
        sealed: completed.sealed,
        changedSecrets: [],
        leaks,
        halfMade: state ? await halfMadeIn(onStack(target.command, qualified, folder)) : [],
        dependencies: dependenciesIn(plan),
    } satisfies { [key in keyof Document]?: unknown });
    const document = based === undefined ? known : against(await based, known);
    say(`\n${terminalReport(document)}`);
    if (json) {
        process.stdout.write(`${JSON.stringify(document)}\n`);
    }
    if (markdown !== undefined) {
        writeFileSync(markdown, report(document));
    }
    const { changes } = document;
    const isChange = changes.some(({ operation }) => operation !== "same");
    return { document, succeeded, isChange, isLoss: losses(changes).length > 0, file: target.file };
}

/** The document with the changes from its base. If the base has no document, it stays compared to nothing and says why. */
function against({ commit, document: base, problem }: Awaited<ReturnType<typeof previewBase>>, document: Document): Document {
    if (base === undefined || document.errors.length > 0) {
        return { ...document, base: commit, ...(problem === undefined ? {} : { baseProblem: problem }) };
    }
    const changedSecrets = Object.keys(document.sealed).filter((key) => document.sealed[key] !== base.sealed[key]);
    return documentSchema.parse({
        ...document,
        against: "base",
        base: commit,
        before: base.after,
        changes: compare(base.after, document.after),
        changedSecrets: changedSecrets.sort(),
    } satisfies { [key in keyof Document]: unknown });
}

interface Told {
    readonly say: (line: string) => void;
    readonly isColoured: boolean;
}

interface How extends Told {
    readonly refresh: boolean;
}

/** Runs the engine's preview. Returns its parsed event log, its plan and its output. */
async function runEngine(target: Target, stack: string, folder: string, { say, isColoured, refresh }: How) {
    const log = join(folder, "events.json");
    const planFile = join(folder, "plan.json");
    const common = ["--stack", stack, "--config-file", target.file, "--policy-pack", "policies", "--non-interactive"];
    const told = ["--suppress-progress", "--color", isColoured ? "always" : "never", "--event-log", log, "--save-plan", planFile];
    const engine = execa(target.command, ["preview", ...common, ...told, ...(refresh ? ["--refresh"] : [])], {
        cwd: clone,
        // The engine accepts --event-log only with this variable.
        env: { ...target.env, PULUMI_DEBUG_COMMANDS: "true" },
        all: true,
        reject: false,
        stdin: "ignore",
    });
    for await (const line of engine.iterable({ from: "all" })) {
        // These lines are about the plan file, which is temporary.
        if (!/^Update plan written to|^Run `pulumi up --plan=/.test(line)) {
            say(line);
        }
    }
    const { all, failed } = await engine;
    const seen = readPreview(existsSync(log) ? readFileSync(log, "utf8") : "");
    return { seen, plan: readPlan(planFile, failed), failed, output: all };
}

/** Throws an OperationError that lists the missing and invalid settings. Placeholders must not replace them here. */
export function refuseGaps(stack: string, { missing, problems }: Completed): void {
    const gaps = [...missing, ...problems];
    if (gaps.length > 0) {
        const list = gaps.map(({ key, message, fix }) => `  ${key} ${message}\n      ${fix}`);
        throw new OperationError(`Pulumi.${stack}.yaml is not complete:\n${list.join("\n")}`);
    }
}

interface Target {
    readonly command: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly file: string;
}

async function realStack(folder: string, stack: StackName, completed: Completed): Promise<Target> {
    const command = await pulumiCommand();
    const file = await releasedFile(stack, ownImage(stack.name, completed), onStack(command, stack.qualified, folder), folder);
    return { command, env: { TMPDIR: folder }, file };
}

async function throwAwayStack(folder: string, stack: string, completed: Completed, say: Told["say"]): Promise<Target> {
    const engine = await throwAwayEngine(folder);
    for (const note of engine.notes) {
        say(`  ! ${note}`);
    }
    for (const { key, fix } of completed.missing) {
        say(`  ! ${key} is still to be set; a placeholder stands in: ${fix}`);
    }
    for (const key of Object.keys(completed.sealed)) {
        say(`  ! ${key} is encrypted; a placeholder stands in`);
    }
    return { ...engine, file: await makeStack(engine, folder, stack, completed) };
}

interface Plan {
    readonly resourcePlans?: Record<string, { goal?: { dependencies?: string[] } }>;
}

/** Reads the engine's plan. If the engine failed, the plan may be missing or incomplete; then the result is empty. */
function readPlan(file: string, failed: boolean): Plan {
    try {
        return JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
        if (failed) {
            return {};
        }
        throw error;
    }
}

/**
 * Finds placeholder secrets in plain text in the engine's plan and output. Where a placeholder is in plain text, the real secret would be
 * in plain text in the state. Policies don't see which values are secret, and the engine hides known secrets in its log.
 */
function leaksIn({ resourcePlans = {} }: Plan, output: string, secrets: Readonly<Record<string, string>>): string[] {
    const places = Object.entries(resourcePlans).map(([urn, plan]) => ({ place: nameIn(urn), text: JSON.stringify(plan) }));
    return Object.entries(secrets).flatMap(([key, value]) => {
        const forms = [JSON.stringify(value).slice(1, -1), encodeURIComponent(value), Buffer.from(value).toString("base64")];
        const isIn = (text: string) => forms.some((form) => text.includes(form));
        return [...places, { place: "the engine's output", text: output }]
            .filter(({ text }) => isIn(text))
            .map(({ place }) => `${key} appears in plain text in ${place}; pass it only as a secret (pulumi.secret)`);
    });
}

/** Dependencies by URN. Only the plan has them, not the log. */
function dependenciesIn({ resourcePlans = {} }: Plan): Record<string, string[]> {
    return Object.fromEntries(Object.entries(resourcePlans).map(([urn, { goal }]) => [urn, goal?.dependencies ?? []]));
}

if (require.main === module) {
    start(
        script("preview", "Shows what an `up` of a stack would change, and which policies it violates. Changes nothing.")
            .addOption(stackOption())
            .option("--state", "compare to the stack's own state (needs keys, backend and passphrase); by default to nothing")
            .option("--refresh", "with --state: first refresh the state from the cloud and the cluster")
            .option("--base <commit>", "compare to the resources of that commit, such as main or HEAD^1; needs no keys")
            .option("--strict", "refuse a stack file with missing settings")
            .option("--markdown <file>", "also write the report into this file, as the comment of a pull request")
            .option("--json", "write everything as JSON to standard output, for programs")
            .action(exitCode(async (options) => ((await preview(options)).succeeded ? 0 : 1))),
    );
}
