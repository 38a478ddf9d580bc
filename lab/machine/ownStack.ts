/** `npm run stack:own -- dev`: writes a stack file that is not committed, for this machine or for an existing cluster. */
import { existsSync, readFileSync } from "node:fs";
import { Argument, InvalidArgumentError } from "@commander-js/extra-typings";
import { execa } from "execa";
import { type Document, isMap, isScalar, parseDocument } from "yaml";
import { exitCode, script, start } from "../../cli/command";
import { say } from "../../cli/say";
import { stackName } from "../../cli/stackName";
import { isMissing, problemsIn } from "../../operations/stackFile";
import { parseStackFile, rawSettings } from "../../settings/stackFile";
import { basePrefix, ownContext, ownRegistry } from "../../toolchain/places";
import { MachineError } from "../../toolchain/progress";
import { writeWhole } from "./files";
import { localStack, type Stack, stackNamed } from "./stack";

interface Options {
    readonly context?: string | undefined;
    readonly registry?: string | undefined;
    readonly username?: string | undefined;
}

/** Official images that replace the images in the machine's registry. */
const officialImages: Record<string, string> = {
    "python:3.11": "python:3.11-slim-bookworm",
    "redis:7.0": "redis:7.0",
    "mongo:7.0": "mongo:7.0",
};

async function makeOwnStack(stack: Stack, options: Options): Promise<number> {
    if (existsSync(stack.settings)) {
        throw new MachineError(`There is a Pulumi.${stack.name}.yaml already; it was left as it is.`);
    }
    const { context = ownContext, registry, username } = options;
    const isOwn = context === ownContext;
    const contexts = isOwn ? [] : await contextsOf();
    const problems = [
        ...(isOwn || contexts.includes(context)
            ? []
            : [`--context ${context}: kubectl knows ${contexts.length > 0 ? contexts.join(", ") : "no context"}.`]),
        ...(isOwn === (registry === undefined)
            ? []
            : [
                  isOwn
                      ? "--registry: the machine's own cluster takes the machine's own registry. Name another cluster with --context."
                      : "--registry is missing: the cluster can't pull from this machine's registry. Name one that both reach, such as registry.example.com.",
              ]),
        ...((registry === undefined) === (username === undefined) ? [] : ["--registry and --username belong together."]),
    ];
    refuse(problems);
    const file = parseDocument(readFileSync(localStack.settings, "utf8"));
    file.setIn(["config", "sms:cluster", "context"], context);
    if (isOwn) {
        // Another namespace and port than the stack local, so that both can run.
        file.setIn(["config", "sms:namespace"], `sms-${stack.name}`.toLowerCase().replace(/[^a-z0-9-]/g, "-"));
        file.setIn(["config", "sms:web", "nodePort"], 31091);
    } else {
        file.setIn(["config", "sms:registry", "server"], registry);
        file.setIn(["config", "sms:registry", "username"], username);
        useOfficialImages(file);
    }
    const heading = `# A stack of one's own, not committed. Deploy it with: npm run up -- --stack ${stack.name}\n`;
    const text = file.toString({ lineWidth: 0, indent: 4 }).replace(/^(# yaml-language-server.*\n)(#.*\n)*/, `$1${heading}`);
    const wrong = problemsIn(rawSettings(stack.name, parseStackFile(text))).filter((problem) => !isMissing(problem));
    refuse(wrong.map(({ key, message }) => `${key} ${message}`));
    writeWhole(stack.settings, text);
    say(
        `Pulumi.${stack.name}.yaml is written, for the cluster ${context} and the registry ${registry ?? ownRegistry}. Review the file. Then run:`,
    );
    if (!isOwn) {
        say(`  npm run pulumi -- config set --secret sms:registryPassword --stack ${stack.name}`);
    }
    say(`  npm run up -- --stack ${stack.name}`);
    return 0;
}

function refuse(problems: readonly string[]): void {
    if (problems.length > 0) {
        throw new MachineError(`No stack file was written:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    }
}

function useOfficialImages(file: Document): void {
    const config = file.get("config");
    for (const { value } of isMap(config) ? config.items : []) {
        for (const entry of isMap(value) ? value.items : []) {
            const { value: image } = entry;
            if (isScalar(image) && typeof image.value === "string" && image.value.startsWith(basePrefix)) {
                image.value = officialImages[image.value.slice(basePrefix.length)];
            }
        }
    }
}

/** The contexts of kubectl on this host. Empty if there is no kubectl. */
async function contextsOf(): Promise<string[]> {
    const { failed, stdout } = await execa("kubectl", ["config", "get-contexts", "--output=name"], { reject: false });
    return failed ? [] : stdout.split("\n").filter((name) => name !== "");
}

function newStack(text: string): Stack {
    const { name, qualified } = stackName(text);
    if (name !== qualified) {
        throw new InvalidArgumentError(`Allowed: the name alone, here ${name}.`);
    }
    return stackNamed(name);
}

start(
    script("stack:own", "Writes a stack file of your own, for this machine's cluster or for one that you have.")
        .addArgument(new Argument("<name>", "the stack's name: dev for Pulumi.dev.yaml").argParser(newStack))
        .option("-c, --context <context>", "the kubeconfig's context of an existing cluster, such as docker-desktop or k3d-dev")
        .option("-r, --registry <server>", "a registry that this host and that cluster reach")
        .option("-u, --username <name>", "the user that pushes to it and pulls from it")
        .action(exitCode(makeOwnStack)),
);
