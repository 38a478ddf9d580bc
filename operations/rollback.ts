/**
 * `npm run rollback -- --stack online`: the image that ran before this one, again. It was pushed already, so nothing is built.
 * `--to TAG@sha256:…` takes that one, `--to head` goes back to building this clone's code.
 */
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOption } from "../cli/stackName";
import { pulumiCommand } from "./engine";
import { clone, OperationError } from "./operation";
import { readStackFile } from "./stackFile";

const pinnedKey = "sms:image.pinned";

interface Commands {
    readonly pulumi: readonly string[];
    /** For every `pulumi` command. */
    readonly stackArgs: readonly string[];
    readonly kubectl: readonly string[];
}

interface Options {
    readonly stack: StackName;
    readonly to: string;
}

async function rollback({ stack, to }: Options): Promise<number> {
    const commands = await commandsFor(stack);
    const change =
        to === "head"
            ? ["config", "rm", "--path", pinnedKey, ...commands.stackArgs]
            : ["config", "set", "--path", pinnedKey, await pinnedImage(to, commands), ...commands.stackArgs];
    const set = await call(commands.pulumi, change);
    if (set !== 0) {
        return set;
    }
    const policies = isLocal(stack) ? [] : ["--policy-pack", "policies"];
    const result = await call(commands.pulumi, ["up", "--yes", "--skip-preview", "--non-interactive", ...policies, ...commands.stackArgs]);
    process.stdout.write(`\n${whatHolds(stack, to)}\n`);
    return result;
}

/** The machine's own, which is in no backend of the user's. */
function isLocal({ qualified }: StackName): boolean {
    return qualified === "local";
}

function whatHolds(stack: StackName, to: string): string {
    if (to === "head") {
        return "The next `up` builds this clone's code again, as this one did.";
    }
    return isLocal(stack)
        ? "The next `npm run up` builds this clone's code again."
        : `${pinnedKey} holds it there until \`npm run rollback -- --stack ${stack.qualified} --to head\`. Commit the stack file, or the next \`up\` from elsewhere undoes it.`;
}

/** What runs on this machine goes by its own commands. */
async function commandsFor(stack: StackName): Promise<Commands> {
    const { config } = readStackFile(clone, stack.name);
    const namespace = ["--namespace", (config["sms:namespace"] as string | undefined) ?? "sms"];
    if (isLocal(stack)) {
        const machine = [process.execPath, "-r", "./register.cjs", join("machine", "main.ts")];
        return { pulumi: [...machine, "pulumi"], stackArgs: [], kubectl: [...machine, "kubectl", ...namespace] };
    }
    const { context, kubeconfig } = (config["sms:cluster"] ?? {}) as Record<string, string | undefined>;
    const kubectl = [
        "kubectl",
        ...namespace,
        ...(context ? ["--context", context] : []),
        ...(kubeconfig ? ["--kubeconfig", kubeconfig] : []),
    ];
    return { pulumi: [await pulumiCommand()], stackArgs: ["--stack", stack.qualified], kubectl };
}

async function call([command = "", ...first]: readonly string[], args: readonly string[]): Promise<number> {
    const { exitCode } = await execa(command, [...first, ...args], { cwd: clone, stdio: "inherit", reject: false });
    return exitCode ?? 1;
}

async function pinnedImage(to: string, { kubectl }: Commands): Promise<string> {
    const wanted = pinOf(to);
    if (to !== "previous" && wanted !== undefined) {
        return wanted;
    }
    if (to !== "previous") {
        throw new OperationError(
            `--to ${to} is no image; allowed: TAG@sha256:… (as \`pulumi stack output image\` ended with), previous or head`,
        );
    }
    const [command = "", ...first] = kubectl;
    const list = ["get", "replicasets", "--selector", "app=sms-web", "--output", "json"];
    const { stdout } = await execa(command, [...first, ...list], { cwd: clone });
    const previous = previousImage(JSON.parse(stdout) as ReplicaSets);
    const pin = previous && pinOf(previous);
    if (pin === undefined) {
        throw new OperationError("The cluster remembers no earlier image of sms-web; name it: --to TAG@sha256:…");
    }
    process.stdout.write(`Back to ${previous}\n`);
    return pin;
}

export interface ReplicaSets {
    items: {
        metadata: { annotations?: Record<string, string> };
        spec: { template: { spec: { containers: { name: string; image: string }[] } } };
    }[];
}

/** The newest image that isn't the one of the newest revision. */
export function previousImage({ items }: ReplicaSets): string | undefined {
    const images = items
        .map(({ metadata, spec }) => ({
            revision: Number(metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0),
            image: spec.template.spec.containers.find(({ name }) => name === "sms-web")?.image,
        }))
        .sort((a, b) => b.revision - a.revision)
        .map(({ image }) => image);
    return images.find((image) => image !== images[0]);
}

/** `TAG@sha256:…` of a whole reference or of just that. */
export function pinOf(reference: string): string | undefined {
    return /(?:^|[^/]*:)([\w][\w.-]*@sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
}

if (require.main === module) {
    start(
        script("rollback", "Brings a stack up with an image that was pushed before. Nothing is built.")
            .addOption(stackOption())
            .option("--to <image>", "TAG@sha256:… of an image, previous, or head to build this clone's code again", "previous")
            .action(exitCode(rollback)),
    );
}
