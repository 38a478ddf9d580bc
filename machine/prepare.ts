import { existsSync, mkdirSync } from "node:fs";
import { ensureBaseImages, ensureInDaemon, namesOf } from "./baseImages";
import { type Docker, presentDocker } from "./docker";
import { ensureDockerd } from "./dockerd";
import { ensurePackages, refuseUnfit } from "./host";
import { ensureCluster } from "./kubernetes";
import { ensureDockerNetwork } from "./network";
import { ensureNetwork } from "./owner";
import { cache, logs, ownContext, ownRegistry, run, state } from "./places";
import { MachineError, step } from "./progress";
import { ensureRegistry, introduceRegistry } from "./registry";
import { ensurePulumi, type Needs, type Pulumi, readNeeds } from "./stack";

/**
 * Brings the machine to where the stack can be deployed on it: what is there is used, what is missing is made. `withEngine` is for
 * work that needs the engine and no cluster.
 */
export async function prepare(needs: Needs, withEngine: (pulumi: Pulumi) => Promise<void> = async () => {}): Promise<Pulumi> {
    const present = await presentDocker();
    const wanted = { cluster: needs.context === ownContext, registry: needs.registryServer === ownRegistry, docker: present };
    await refuseUnfit(wanted);
    for (const folder of [state, logs, cache]) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    const docker = present ?? (await ownDocker());
    await ensureNetwork(docker);
    return together(
        async () => {
            const pulumi = await ensurePulumi(docker, needs);
            await withEngine(pulumi);
            return pulumi;
        },
        async () => {
            // Made beside each other; started one after the other, as docker gives out addresses in turn.
            const images =
                wanted.registry && Promise.all(["registry:2.8", ...namesOf(needs.images)].map((name) => ensureInDaemon(docker, name)));
            await Promise.all([images, wanted.cluster && ensureCluster(docker)]);
            if (wanted.registry) {
                const image = await ensureInDaemon(docker, "registry:2.8");
                await step(`registry ${ownRegistry}`, () => ensureRegistry(docker, image));
                if (wanted.cluster) {
                    await introduceRegistry(docker);
                }
                await ensureBaseImages(docker, needs.images);
            }
        },
    );
}

async function ownDocker(): Promise<Docker> {
    await ensurePackages("docker");
    mkdirSync(run, { recursive: true, mode: 0o700 });
    return step("docker", async () => {
        await ensureDockerNetwork();
        return ensureDockerd();
    });
}

/** Does all at the same time, waits for each to end, and gives what the first gives; of several failures the first is told. */
async function together<T>(first: () => Promise<T>, ...others: (() => Promise<void>)[]): Promise<T> {
    const [result, ...results] = await Promise.allSettled([first(), ...others.map((work) => work())]);
    const failed = [result, ...results].find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (failed !== undefined) {
        throw failed.reason;
    }
    return (result as PromiseFulfilledResult<T>).value;
}

/** The engine on a machine that is up. */
export async function prepared(): Promise<Pulumi> {
    const docker = await presentDocker();
    if (!existsSync(state) || docker === undefined) {
        throw new MachineError("The machine is not up: run `npm run up` first.");
    }
    return ensurePulumi(docker, readNeeds());
}
