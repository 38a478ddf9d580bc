/** The whole program, as the engine runs it, with a stack file's settings. */
import type { Output } from "@pulumi/pulumi";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterReading } from "../../preflight/readCluster";
import { deploy } from "./deployed";

export interface Outputs {
    image: Output<string>;
    namespace: Output<string>;
    nodePort: Output<number>;
    url?: Output<string>;
    place: Record<string, unknown>;
}

const clusterId = "6c1b3d1c-2f7e-4c5a-8a0b-0d6f3c9e7a55";

/** A cluster with nothing in it but room. */
export const emptyCluster: ClusterReading = {
    id: { value: clusterId },
    nodes: { value: [{ metadata: { name: "node" }, status: { allocatable: { cpu: "1000", memory: "1Ti", pods: "1000" } } }] },
    pods: { value: [] },
    namespace: { value: undefined },
    objects: { value: [] },
    services: { value: [] },
    claims: { value: undefined },
    storageClasses: { value: [] },
    hasAutoscaler: false,
    lacksOperator: false,
};

export interface Circumstances {
    /** What the cluster is found to be like, or why it can't be read; otherwise it is empty. No real one is asked. */
    readonly cluster?: Partial<ClusterReading> | Error;
    /** The outputs of the stack's last `up`. */
    readonly last?: object;
    /** Is called once the stack has its settings. */
    readonly onSettings?: () => void;
    readonly isPreview?: boolean;
    readonly onRegistered?: (name: string) => void;
    /** Is called once the program has run, though not all that it registers is registered. */
    readonly onRun?: () => void;
}

/** Runs the program until every resource is registered. */
export function runProgram(
    stack: string,
    texts: Record<string, string>,
    secrets: Record<string, string>,
    { cluster, last, isPreview, onSettings, onRegistered, onRun }: Circumstances = {},
) {
    return deploy(
        async () => {
            const all = Object.entries({ ...texts, ...secrets }).map(([key, text]) => [`sms:${key}`, text]);
            pulumi.runtime.setAllConfig(
                Object.fromEntries(all),
                Object.keys(secrets).map((key) => `sms:${key}`),
            );
            // Whoever runs this may have one of their own.
            process.env.KUBECONFIG = "";
            onSettings?.();
            const outputs = await freshProgram(cluster instanceof Error ? cluster : { ...emptyCluster, ...cluster })();
            onRun?.();
            return outputs;
        },
        stack,
        { last, isPreview, onRegistered },
    );
}

/** The program, loaded anew, where every cluster is found to be like this. */
export function freshProgram(cluster: ClusterReading | Error): () => Promise<Outputs> {
    const reader = require.resolve("../../preflight/readCluster");
    require(reader);
    const module = require.cache[reader] as NodeJS.Module;
    module.exports = { ...module.exports, readCluster: async () => (cluster instanceof Error ? Promise.reject(cluster) : cluster) };
    for (const loaded of ["../../index", "../../preflight"]) {
        delete require.cache[require.resolve(loaded)];
    }
    return require("../../index") as () => Promise<Outputs>;
}
