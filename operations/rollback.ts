/**
 * `npm run rollback -- --stack online`: deploys the image that ran before the current one. It was pushed already, so nothing is built.
 * `--to TAG@sha256:…` deploys that image. `--to head` builds this clone's code again.
 * Before it acts, it lists the known faults that only the older image has.
 */

import { existsSync } from "node:fs";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { type StackName, stackOption } from "../cli/stackName";
import { clone } from "../toolchain/places";
import { isOfMachine } from "./machineStacks";
import { newFaults } from "./newFaults";
import { OperationError } from "./operation";
import { pinnedKey, pinOf } from "./ownImage";
import { exec, StackCluster } from "./stackCluster";
import { stackFileAt, stackFilePath } from "./stackFile";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    /** `previous`, `head` or `TAG@sha256:…`. */
    readonly to: string;
    /** Whether the two images are compared first. */
    readonly scan: boolean;
}

async function rollback({ stack, to, scan }: Options): Promise<number> {
    requireBuiltImage(clone, stack);
    const temporary = temporaryFolder("rollback");
    const cluster = await StackCluster.of(stack, temporary);
    const call = (args: readonly string[]) =>
        inForeground(...exec(cluster.pulumi, [...args, ...cluster.stackArgs]), { cwd: clone, env: { TMPDIR: temporary } });
    const pin = to === "head" ? undefined : await pinnedImage(to, cluster);
    // The machine's registry is the machine's own, and so are its faults.
    if (scan && pin !== undefined && !isOfMachine(stack)) {
        process.stdout.write(`${await newFaults(stack, pin, temporary)}\n`);
    }
    const set = await call(pin === undefined ? ["config", "rm", "--path", pinnedKey] : ["config", "set", "--path", pinnedKey, pin]);
    if (set !== 0) {
        return set;
    }
    const policies = isOfMachine(stack) ? [] : ["--policy-pack", "policies"];
    const result = await call(["up", "--yes", "--skip-preview", "--non-interactive", ...policies]);
    process.stdout.write(`\n${result === 0 ? whatHolds(stack, to) : whatIsLeft(stack, to)}\n`);
    return result;
}

/** Throws an OperationError if `sms:image.reference` names the image. Then the user changes the image there. */
export function requireBuiltImage(folder: string, { name, qualified }: StackName): void {
    const path = stackFilePath(folder, name);
    const image = existsSync(path) ? (stackFileAt(path).config["sms:image"] as { kind?: string } | undefined) : undefined;
    if (image?.kind === "given") {
        throw new OperationError(
            `sms:image.reference in Pulumi.${name}.yaml says which image runs. Set it to the previous image, then: npm run deploy -- --stack ${qualified}`,
        );
    }
}

function whatHolds(stack: StackName, to: string): string {
    if (to === "head") {
        return "The next `up` builds this clone's code again, as this one did.";
    }
    return isOfMachine(stack)
        ? "The next `npm run up` of this stack builds this clone's code again."
        : `${pinnedKey} pins the image until \`npm run rollback -- --stack ${stack.qualified} --to head\`. Commit the stack file, or the next \`up\` from another clone undoes the rollback.`;
}

function whatIsLeft({ name }: StackName, to: string): string {
    const change = to === "head" ? "is removed from" : "is set in";
    return `The \`up\` failed, for the reason above. ${pinnedKey} ${change} Pulumi.${name}.yaml. Repair the cause, then run the same command again.`;
}

async function pinnedImage(to: string, cluster: StackCluster): Promise<string> {
    if (to !== "previous") {
        return to;
    }
    const list = ["get", "replicasets", "--selector", "app=sms-web", "--output", "json"];
    const { stdout } = await execa(...exec(await cluster.kubectl(), list), { cwd: clone });
    const previous = previousImage(JSON.parse(stdout) as ReplicaSets);
    const pin = previous && pinOf(previous);
    if (pin === undefined) {
        throw new OperationError("The cluster has no earlier image of sms-web; name the image: --to TAG@sha256:…");
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

/** The newest image that differs from the newest revision's image. */
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

function target(text: string): string {
    const wanted = ["previous", "head"].includes(text) ? text : pinOf(text);
    if (wanted === undefined) {
        throw new InvalidArgumentError("Allowed: TAG@sha256:… (the end of `pulumi stack output image`), previous or head.");
    }
    return wanted;
}

if (require.main === module) {
    start(
        script("rollback", "Deploys a stack with an image that was pushed before. Nothing is built.")
            .addOption(stackOption())
            .option("--to <image>", "TAG@sha256:… of an image, previous, or head to build this clone's code again", target, "previous")
            .option("--no-scan", "don't look for known faults that only the older image has")
            .action(exitCode(rollback)),
    );
}
