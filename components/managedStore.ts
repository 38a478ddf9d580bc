import { type Output, unsecret } from "@pulumi/pulumi";
import type { Network } from "./network";

/** The arguments of a store on Alibaba Cloud, Redis or MongoDB. */
export interface ManagedStoreArgs {
    /** The name in Alibaba Cloud's console. */
    instanceName: string;
    instanceClass: string;
    engineVersion: string;
    /** Only the nodes and pods of this network can connect. */
    network: Network;
    /** The zone of the first node. The network has a vSwitch in it. */
    zone: string;
    /** The zone of a second node, in case the first zone fails. */
    secondaryZone?: string;
    password: Output<string>;
    /** Whether connections use TLS. If it is undefined, the program sets nothing, and a new store has no TLS. */
    tls?: boolean;
    /** The path of Alibaba Cloud's CA chain in the pods, with which they check the store's certificate. */
    caFile?: string;
    backup: {
        /** `Monday` to `Sunday`. */
        days: readonly string[];
        /** The start of the hour, in UTC, for example `19:00Z`. */
        from: string;
    };
    maintenance: { from: string };
    /** Stops the cloud and Pulumi from deleting or replacing the store. */
    protect: boolean;
    tags: Record<string, string>;
}

/**
 * The provider has fixed waits, even if the cloud is fast: 10 minutes for Redis, 5 more for encryption, and 2 minutes for MongoDB. The
 * provider's default timeouts of 20 to 30 minutes don't allow for these waits, and a large class takes longer.
 */
export const storeTimeouts = { create: "50m", update: "50m", delete: "30m" };

/** For `ignoreChanges`: inputs that the program doesn't set keep the values from the cloud or its console. */
export function leftToTheCloud(inputs: object, names: readonly string[]): string[] {
    return names.filter((name) => inputs[name as keyof typeof inputs] === undefined);
}

/** The end of the hour that begins at `from`: `20:00Z` for `19:00Z`. */
export function hourAfter(from: string): string {
    return `${String(Number.parseInt(from, 10) + 1).padStart(2, "0")}:00Z`;
}

/** The hosts in a store's URL: `host:port` with commas between them, or one DNS name. Unlike the rest of the URL, they aren't secret. */
export function hostsOf(url: Output<string>): Output<string> {
    return unsecret(url.apply(hostsIn));
}

export function hostsIn(url: string): string {
    return /^[\w+]+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url)?.[1] ?? "";
}
