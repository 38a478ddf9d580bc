import { existsSync, mkdirSync } from "node:fs";
import { kindCommand } from "../../toolchain/commands";
import { cache, logs, nodeName, ownContext, ownRegistry, run, state } from "../../toolchain/places";
import { MachineError, step } from "../../toolchain/progress";
import { ensureBaseImages, ensureInDaemon, namesOf } from "./baseImages";
import { type Docker, presentDocker } from "./docker";
import { ensureDockerd } from "./dockerd";
import { ensurePackages, refuseUnfit } from "./host";
import { ensureCluster } from "./kubernetes";
import { ensureDockerNetwork } from "./network";
import { nodeImage } from "./nodeImage";
import { ensureNetwork } from "./owner";
import { ensureRegistry, introduceRegistry } from "./registry";
import { ensurePulumi, type Ground, localStack, type Pulumi, readNeeds } from "./stack";

/**
 * Prepares the machine for the stack. It uses existing parts and creates missing ones. `withEngine` is for work that needs the engine
 * but no cluster: it runs while the cluster starts.
 */
export async function prepare(needs: Ground, withEngine: (pulumi: Pulumi) => Promise<void> = async () => {}): Promise<Pulumi> {
    const present = await presentDocker();
    const wanted = { cluster: needs.context === ownContext, registry: needs.registryServer === ownRegistry };
    await refuseUnfit({ cluster: wanted.cluster, docker: present });
    makeFolders();
    const docker = present ?? (await ownDocker());
    if (wanted.cluster || wanted.registry) {
        await ensureNetwork(docker);
    }
    return together(
        async () => {
            const pulumi = await ensurePulumi(docker, needs);
            await withEngine(pulumi);
            return pulumi;
        },
        () => ensureGround(docker, needs, wanted),
    );
}

/** Starts the cluster and the registry with its base images, if the stack uses the machine's own. */
async function ensureGround(docker: Docker, { images }: Ground, wanted: { cluster: boolean; registry: boolean }): Promise<void> {
    const names = wanted.registry ? [registryImage, ...namesOf(images)] : [];
    const [node] = await Promise.all([
        wanted.cluster ? nodeImage(docker) : undefined,
        wanted.cluster && kindCommand(),
        ...names.map((name) => ensureInDaemon(docker, name)),
    ]);
    // The node always starts first, because its certificates contain its address. docker assigns addresses in the order of starts, even
    // after a power cut.
    if (node !== undefined) {
        await ensureCluster(docker, node);
    }
    if (wanted.registry) {
        await step("registry", async () => {
            const registry = await ensureRegistry(docker, await ensureInDaemon(docker, registryImage));
            if (node !== undefined) {
                await introduceRegistry(docker, registry, nodeName);
            }
            return registry.address;
        });
        await ensureBaseImages(docker, images);
    }
}

const registryImage = "registry:2.8";

async function ownDocker(): Promise<Docker> {
    await ensurePackages("docker");
    mkdirSync(run, { recursive: true, mode: 0o700 });
    return step("docker", async () => {
        await ensureDockerNetwork();
        return ensureDockerd();
    });
}

/** Runs all functions at the same time and waits until each ends. Returns the result of `first`. Throws the first error of the list. */
async function together<T>(first: () => Promise<T>, ...others: (() => Promise<void>)[]): Promise<T> {
    const [result, ...results] = await Promise.allSettled([first(), ...others.map((work) => work())]);
    const failed = [result, ...results].find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed !== undefined) {
        throw failed.reason;
    }
    return (result as PromiseFulfilledResult<T>).value;
}

function makeFolders(): void {
    for (const folder of [state, logs, cache]) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
}

/**
 * The engine for this stack. Throws a MachineError if no docker daemon answers, or if the stack needs the machine's cluster and the
 * machine is not up.
 */
export async function prepared(stack = localStack): Promise<Pulumi> {
    const docker = await presentDocker();
    const needs = readNeeds(stack);
    if (docker === undefined || (needs.context === ownContext && !existsSync(state))) {
        throw new MachineError("The machine is not up: run `npm run up` first.");
    }
    makeFolders();
    return ensurePulumi(docker, needs);
}
