import { existsSync, mkdirSync } from "node:fs";
import { ensureBaseImages } from "./baseImages";
import { ensureContainerd, ensureDocker, ensureRegistry, presentDocker } from "./containers";
import { ensurePackages, refuseUnfit } from "./host";
import { ensureCluster } from "./kubernetes";
import { ensureNetwork } from "./network";
import { cache, logs, ownContext, ownRegistry, run, state } from "./places";
import { MachineError, step } from "./progress";
import { ensurePulumi, type Needs, type Pulumi, readNeeds } from "./stack";
import { built } from "./toolchain";

/**
 * Brings the machine to where the stack can be deployed on it: what is there is used, what is missing is made. `withEngine` is for
 * work that needs the engine and no cluster.
 */
export async function prepare(needs: Needs, withEngine: (pulumi: Pulumi) => Promise<void> = async () => {}): Promise<Pulumi> {
    const present = await presentDocker();
    const wanted = { cluster: needs.context === ownContext, registry: needs.registryServer === ownRegistry, docker: present === undefined };
    await refuseUnfit(wanted);
    for (const folder of [state, run, logs, cache]) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    await ensurePackages(...(["cluster", "registry", "docker"] as const).filter((part) => wanted[part]));
    if (wanted.cluster) {
        await built("kubernetes");
        await built("coredns");
        await built("network-policies");
        await built("metrics-server");
    }
    const dockerHost = await step("containerd and docker", async () => {
        if (wanted.cluster || wanted.docker) {
            await ensureNetwork();
            await ensureContainerd();
        }
        return present ?? (await ensureDocker());
    });
    return together(
        async () => {
            const pulumi = await ensurePulumi(dockerHost, needs);
            await withEngine(pulumi);
            return pulumi;
        },
        async () => {
            if (wanted.registry) {
                await step(`registry ${ownRegistry}`, ensureRegistry);
                await ensureBaseImages(needs.images, dockerHost);
            }
        },
        async () => {
            if (wanted.cluster) {
                await ensureCluster(dockerHost);
            }
        },
    );
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
