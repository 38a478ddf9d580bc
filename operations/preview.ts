/**
 * `npm run preview -- --stack online`: the real engine's preview with all policies. It needs no cluster, no cloud, no docker
 * daemon, no keys and no passphrase, and leaves nothing behind. With `--state` it compares to the stack's own state, for
 * which it needs all of them.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { machineStack, ofMachine, type StackName, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../machine/commands";
import { halfMadeIn } from "../machine/halfMade";
import { losses, nameIn, readPreview } from "./changes";
import { makeStack, onStack, throwAwayEngine } from "./engine";
import { clone, OperationError } from "./operation";
import { type Completed, complete, readPlaceholders } from "./placeholders";
import { report } from "./report";
import { readStackFile, stackFilePath } from "./stackFile";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    /** Compare to the stack's state instead of to nothing. */
    readonly state?: boolean;
    /** Nothing may be missing in the stack file. */
    readonly strict?: boolean;
    /** Where the report goes, besides the terminal. */
    readonly markdown?: string;
}

export interface Outcome {
    readonly succeeded: boolean;
    readonly isChange: boolean;
    /** Whether data would be lost. */
    readonly isLoss: boolean;
}

export async function preview({ stack: { name: stack, qualified }, state, strict, markdown }: Options): Promise<Outcome> {
    if (state && qualified === machineStack) {
        throw new OperationError(`${ofMachine} \`npm run pulumi -- preview\` compares it to its state.`);
    }
    const folder = temporaryFolder("preview");
    const completed = complete(stack, readStackFile(clone, stack), readPlaceholders());
    if (state || strict) {
        refuseGaps(stack, completed);
    }
    const target = state ? await realStack(folder, stack) : await throwAwayStack(folder, stack, completed);
    const log = join(folder, "events.json");
    const planFile = join(folder, "plan.json");
    const args = [
        "preview",
        "--stack",
        state ? qualified : stack,
        "--config-file",
        target.file,
        "--policy-pack",
        "policies",
        "--non-interactive",
    ];
    const engine = execa(target.command, [...args, "--suppress-progress", "--event-log", log, "--save-plan", planFile], {
        cwd: clone,
        // The log is one of the engine's own debugging commands.
        env: { ...target.env, PULUMI_DEBUG_COMMANDS: "true" },
        all: true,
        reject: false,
        stdin: "ignore",
    });
    for await (const line of engine.iterable({ from: "all" })) {
        // The plan is for the picture alone, and gone in a moment.
        if (!/^Update plan written to|^Run `pulumi up --plan=/.test(line)) {
            process.stdout.write(`${line}\n`);
        }
    }
    const { all, failed } = await engine;
    const events = existsSync(log) ? readFileSync(log, "utf8") : "";
    const plan = readPlan(planFile, failed);
    const halfMade = state ? await halfMadeIn(onStack(target.command, qualified, folder)) : [];
    const leaks = leaksIn(plan, all, state ? {} : completed.secrets);
    const seen = readPreview(events);
    const succeeded = !failed && leaks.length === 0 && seen.refused.length === 0 && seen.isWhole;
    const text = report({
        stack,
        preview: seen,
        dependencies: dependenciesIn(plan),
        against: state ? "state" : "nothing",
        missing: completed.missing,
        leaks,
        halfMade,
        succeeded,
    });
    process.stdout.write(`\n${text}`);
    if (markdown !== undefined) {
        writeFileSync(markdown, text);
    }
    return { succeeded, isChange: seen.changes.some(({ operation }) => operation !== "same"), isLoss: losses(seen).length > 0 };
}

/** What placeholders mustn't stand in for. */
function refuseGaps(stack: string, { missing, problems }: Completed): void {
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

async function realStack(folder: string, stack: string): Promise<Target> {
    return { command: await pulumiCommand(), env: { TMPDIR: folder }, file: stackFilePath(clone, stack) };
}

async function throwAwayStack(folder: string, stack: string, completed: Completed): Promise<Target> {
    const engine = await throwAwayEngine(folder);
    for (const note of engine.notes) {
        process.stdout.write(`  ! ${note}\n`);
    }
    for (const { key, fix } of completed.missing) {
        process.stdout.write(`  ! ${key} is still to be set; a placeholder stands in: ${fix}\n`);
    }
    for (const key of completed.sealed) {
        process.stdout.write(`  ! ${key} is encrypted; a placeholder stands in\n`);
    }
    return { ...engine, file: await makeStack(engine, folder, stack, completed) };
}

interface Plan {
    readonly resourcePlans?: Record<string, { goal?: { dependencies?: string[] } }>;
}

/** An engine that failed may have written none, or a part. */
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
 * The policies can't see what is a secret, and the engine hides every secret that it knows from its log. Its plan tells: where a
 * made-up secret stands there in plain, the real one would stand in the state.
 */
function leaksIn({ resourcePlans = {} }: Plan, output: string, secrets: Readonly<Record<string, string>>): string[] {
    const places = Object.entries(resourcePlans).map(([urn, plan]) => ({ place: nameIn(urn), text: JSON.stringify(plan) }));
    return Object.entries(secrets).flatMap(([key, value]) => {
        const forms = [JSON.stringify(value).slice(1, -1), encodeURIComponent(value), Buffer.from(value).toString("base64")];
        const isIn = (text: string) => forms.some((form) => text.includes(form));
        return [...places, { place: "the engine's output", text: output }]
            .filter(({ text }) => isIn(text))
            .map(({ place }) => `${key} comes out in plain in ${place}; allowed: as a secret (pulumi.secret) all the way`);
    });
}

/** The plan knows what the log doesn't: who waits for whom. */
function dependenciesIn({ resourcePlans = {} }: Plan): Record<string, string[]> {
    return Object.fromEntries(Object.entries(resourcePlans).map(([urn, { goal }]) => [urn, goal?.dependencies ?? []]));
}

if (require.main === module) {
    start(
        script("preview", "Shows what an `up` of a stack would change and what the policies say to it. Nothing is changed.")
            .addOption(stackOption())
            .option("--state", "compare to the stack's own state, for which keys, backend and passphrase are needed; else to nothing")
            .option("--strict", "refuse a stack file in which something is still to be set")
            .option("--markdown <file>", "write the report into this file too")
            .action(exitCode(async (options) => ((await preview(options)).succeeded ? 0 : 1))),
    );
}
