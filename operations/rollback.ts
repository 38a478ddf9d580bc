/**
 * `npm run rollback -- --stack online`: the image that ran before this one, again. It was pushed already, so nothing is built.
 * `--to TAG@sha256:…` takes that one, `--to head` goes back to building this clone's code.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { machineStack, type StackName, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../machine/commands";
import { onStack } from "./engine";
import { clone, OperationError } from "./operation";
import { readStackFile } from "./stackFile";
import { temporaryFolder } from "./temporary";

const pinnedKey = "sms:image.pinned";

interface Commands {
    readonly pulumi: readonly string[];
    /** For every `pulumi` command. */
    readonly stackArgs: readonly string[];
    /** Reads from the stack's own cluster and namespace. */
    readonly kubectl: () => Promise<readonly string[]>;
}

interface Options {
    readonly stack: StackName;
    /** `previous`, `head` or `TAG@sha256:…`. */
    readonly to: string;
}

async function rollback({ stack, to }: Options): Promise<number> {
    const temporary = temporaryFolder("rollback");
    const commands = await commandsFor(stack, temporary);
    const call = (args: readonly string[]) => {
        const [command = "", ...first] = commands.pulumi;
        return inForeground(command, [...first, ...args, ...commands.stackArgs], { cwd: clone, env: { TMPDIR: temporary } });
    };
    const change =
        to === "head" ? ["config", "rm", "--path", pinnedKey] : ["config", "set", "--path", pinnedKey, await pinnedImage(to, commands)];
    const set = await call(change);
    if (set !== 0) {
        return set;
    }
    const policies = isLocal(stack) ? [] : ["--policy-pack", "policies"];
    const result = await call(["up", "--yes", "--skip-preview", "--non-interactive", ...policies]);
    process.stdout.write(`\n${result === 0 ? whatHolds(stack, to) : whatIsLeft(stack, to)}\n`);
    return result;
}

/** The machine's own, which is in no backend of the user's. */
function isLocal({ qualified }: StackName): boolean {
    return qualified === machineStack;
}

function whatHolds(stack: StackName, to: string): string {
    if (to === "head") {
        return "The next `up` builds this clone's code again, as this one did.";
    }
    return isLocal(stack)
        ? "The next `npm run up` builds this clone's code again."
        : `${pinnedKey} holds it there until \`npm run rollback -- --stack ${stack.qualified} --to head\`. Commit the stack file, or the next \`up\` from elsewhere undoes it.`;
}

function whatIsLeft({ name }: StackName, to: string): string {
    const change = to === "head" ? "is taken out of" : "is set in";
    return `The \`up\` failed, for the reason above. ${pinnedKey} ${change} Pulumi.${name}.yaml: run the same command again once the reason is mended.`;
}

/** What runs on this machine goes by its own commands. */
async function commandsFor(stack: StackName, temporary: string): Promise<Commands> {
    if (isLocal(stack)) {
        const namespace = (readStackFile(clone, stack.name).config["sms:namespace"] as string | undefined) ?? "sms";
        const machine = [process.execPath, "-r", "./register.cjs", join("machine", "main.ts")];
        return {
            pulumi: [...machine, "pulumi"],
            stackArgs: [],
            kubectl: async () => [...machine, "kubectl", "--namespace", namespace],
        };
    }
    const command = await pulumiCommand();
    return {
        pulumi: [command],
        stackArgs: ["--stack", stack.qualified],
        kubectl: async () => {
            const { stdout } = await onStack(command, stack.qualified, temporary)(["stack", "export", "--show-secrets"]);
            return ["kubectl", ...kubectlArgs(placeOfWeb(JSON.parse(stdout)), temporary)];
        },
    };
}

/** Where the last `up` put the web, and how it got into that cluster. */
export interface Place {
    readonly namespace: string;
    readonly context?: string;
    /** A file's name, or its content. */
    readonly kubeconfig?: string;
}

interface State {
    readonly deployment: {
        readonly resources?: readonly {
            readonly urn: string;
            readonly type: string;
            readonly provider?: string;
            readonly inputs?: {
                readonly metadata?: { readonly name?: string; readonly namespace?: string };
                readonly context?: string;
                readonly kubeconfig?: string | { readonly plaintext: string };
            };
        }[];
    };
}

export function placeOfWeb({ deployment: { resources = [] } }: State): Place {
    const web = resources.find(({ type, inputs }) => type === "kubernetes:apps/v1:Deployment" && inputs?.metadata?.name === "sms-web");
    const provider = resources.find(({ urn }) => web?.provider?.startsWith(`${urn}::`));
    const namespace = web?.inputs?.metadata?.namespace;
    if (namespace === undefined || provider === undefined) {
        throw new OperationError("The stack's state has no sms-web: no `up` has brought it up yet.");
    }
    const { context, kubeconfig } = provider.inputs ?? {};
    // A secret's plain text is JSON.
    return { namespace, context, kubeconfig: typeof kubeconfig === "object" ? JSON.parse(kubeconfig.plaintext) : kubeconfig };
}

function kubectlArgs({ namespace, context, kubeconfig }: Place, temporary: string): string[] {
    let file = kubeconfig;
    if (kubeconfig?.includes("\n")) {
        file = join(temporary, "kubeconfig");
        writeFileSync(file, kubeconfig, { mode: 0o600 });
    }
    return [
        "--namespace",
        namespace,
        ...(context === undefined ? [] : ["--context", context]),
        ...(file === undefined ? [] : ["--kubeconfig", file]),
    ];
}

async function pinnedImage(to: string, { kubectl }: Commands): Promise<string> {
    if (to !== "previous") {
        return to;
    }
    const [command = "", ...first] = await kubectl();
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

function target(text: string): string {
    const wanted = ["previous", "head"].includes(text) ? text : pinOf(text);
    if (wanted === undefined) {
        throw new InvalidArgumentError("Allowed: TAG@sha256:… (as `pulumi stack output image` ends with), previous or head.");
    }
    return wanted;
}

if (require.main === module) {
    start(
        script("rollback", "Brings a stack up with an image that was pushed before. Nothing is built.")
            .addOption(stackOption())
            .option("--to <image>", "TAG@sha256:… of an image, previous, or head to build this clone's code again", target, "previous")
            .action(exitCode(rollback)),
    );
}
