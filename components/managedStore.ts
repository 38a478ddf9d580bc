import type { Output } from "@pulumi/pulumi";
import type { Network } from "./network";

/** What is said of a store on Alibaba Cloud, Redis or MongoDB. */
export interface ManagedStoreArgs {
    /** As the console shows it. */
    instanceName: string;
    instanceClass: string;
    engineVersion: string;
    /** Its nodes and pods may connect. Nobody else can. */
    network: Network;
    /** Where its first node is; the network has a vSwitch there. */
    zone: string;
    /** Where a second node is, for the day that the first zone fails. */
    secondaryZone?: string;
    password: Output<string>;
    /** Whether the way there is encrypted. Left out, the cloud is told nothing: a store isn't at first. */
    tls?: boolean;
    /** Where pods have Alibaba Cloud's CA chain, by which they check the store's certificate. */
    caFile?: string;
    backup: {
        /** `Monday` to `Sunday`. */
        days: readonly string[];
        /** Begin of the hour, in UTC: `19:00Z`. */
        from: string;
    };
    maintenance: { from: string };
    /** Keeps the store from being deleted or replaced, by the cloud and by Pulumi. */
    protect: boolean;
    tags: Record<string, string>;
}

/**
 * The provider waits by itself, however fast the cloud is: with Redis for 10 minutes, 5 more for encryption; with MongoDB for 2. Its own
 * limits of 20 to 30 minutes are for the cloud alone, and a large class takes longer.
 */
export const storeTimeouts = { create: "50m", update: "50m", delete: "30m" };

/** For `ignoreChanges`: what the cloud or its console gave a store, and the program doesn't say, stays as it is. */
export function leftToTheCloud(inputs: object, names: readonly string[]): string[] {
    return names.filter((name) => inputs[name as keyof typeof inputs] === undefined);
}

/** The end of the hour that begins then: `19:00Z` to `20:00Z`. */
export function hourAfter(from: string): string {
    return `${String(Number.parseInt(from, 10) + 1).padStart(2, "0")}:00Z`;
}
