import { mkdirSync } from "node:fs";
import { ensureBaseImages } from "./baseImages";
import { ensureContainerd, ensureDocker, ensureRegistry } from "./containers";
import { ensurePackages, refuseUnfit } from "./host";
import { ensureCluster } from "./kubernetes";
import { ensureNetwork } from "./network";
import { cache, logs, ownContext, ownRegistry, run, state } from "./places";
import { step } from "./progress";
import { ensurePulumi, type Needs, type Pulumi } from "./stack";
import { built } from "./toolchain";

/** Brings the machine to where the stack can be deployed on it. */
export async function prepare(needs: Needs): Promise<Pulumi> {
    const wanted = { cluster: needs.context === ownContext, registry: needs.registryServer === ownRegistry };
    await refuseUnfit(wanted);
    for (const folder of [state, run, logs, cache]) {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    await ensurePackages();
    if (wanted.cluster) {
        await built("kubernetes");
        await built("coredns");
    }
    const dockerHost = await step("containerd and docker", async () => {
        await ensureNetwork();
        await ensureContainerd();
        return ensureDocker();
    });
    if (wanted.registry) {
        await step(`registry ${ownRegistry}`, ensureRegistry);
    }
    const pulumi = await ensurePulumi(dockerHost, needs);
    await ensureBaseImages(needs.images, dockerHost);
    if (wanted.cluster) {
        await ensureCluster(dockerHost);
    }
    return pulumi;
}
