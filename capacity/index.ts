/** Before anything changes: whether the cluster has room for what the stack asks of it. */
import * as pulumi from "@pulumi/pulumi";
import type { Access } from "../components/cluster";
import type { Settings } from "../settings";
import type { Place } from "./kubeconfig";
import { shortages } from "./placement";
import { CapacityError, OperatorError, told } from "./problems";
import { readCluster } from "./readCluster";
import { wanted } from "./wanted";

/** A preview is for looking, also where no cluster can be reached; an `up` is about to need it. */
const patience = { previewMs: 2000, upMs: 10_000 };

/** Throws where pods would stay Pending, or where monitors would be unknown. A cluster that can't be read is no failure: previews need none. */
export function requireCapacity(settings: Settings): void {
    if (settings.cluster.kind !== "ack") {
        check(settings.cluster, settings);
    }
}

/** The same for a kubeconfig that is only known while the program runs: nothing enters the cluster before. */
export function withCapacity({ kubeconfig, ...access }: Access, settings: Settings): Access {
    if (!pulumi.Output.isInstance(kubeconfig)) {
        return { ...access, kubeconfig };
    }
    const checked = kubeconfig.apply(async (content) => {
        try {
            check({ content }, settings);
        } catch (error) {
            // Thrown on from here, it would take Node 20 a minute and gigabytes to report. 32 tells the engine that all is said.
            await pulumi.log.error((error as Error).message);
            process.exit(32);
        }
        return content;
    });
    return { ...access, kubeconfig: checked };
}

function check(place: Place, settings: Settings): void {
    const cluster = read(place);
    if (cluster?.lacksOperator && settings.monitoring.kind === "operator") {
        throw new OperatorError(pulumi.getStack());
    }
    const found = cluster ? shortages(cluster, settings.namespace, wanted(settings)) : [];
    if (found.length > 0 && !cluster?.growsByItself) {
        throw new CapacityError(pulumi.getStack(), found);
    }
    if (found.length > 0) {
        void pulumi.log.warn(`The cluster's autoscaler has to add nodes first: ${told(pulumi.getStack(), found)}`);
    }
}

/** The cluster; or nothing, and one line that says why. */
function read(place: Place) {
    try {
        return readCluster(place, pulumi.runtime.isDryRun() ? patience.previewMs : patience.upMs);
    } catch (error) {
        void pulumi.log.info(`Whether the cluster has room was not checked: ${(error as Error).message}`);
        return undefined;
    }
}
