import { StatefulSet } from "@pulumi/kubernetes/apps/v1";
import { PersistentVolumeClaim, Service } from "@pulumi/kubernetes/core/v1";
import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions, Input, Output } from "@pulumi/pulumi";
import { readyBefore } from "./cluster";

export interface PersistentPodArgs {
    namespace: Input<string>;
    /** The host's name in the cluster, too. */
    name: string;
    port: number;
    /** Mounts the volume `data`. */
    template: core.v1.PodTemplateSpec;
    storage: string;
    /** Otherwise the cluster's default. */
    storageClass?: string;
    /** From deletion and replacement by Pulumi. */
    protect: boolean;
}

/** One pod that keeps its data on a volume of its own, behind a Service. Gives the host; whoever uses it waits until the pod is ready. */
export function persistentPod(name: string, args: PersistentPodArgs, opts: CustomResourceOptions): Output<string> {
    const metadata = { name: args.name, namespace: args.namespace };
    const kept = { ...opts, protect: args.protect };
    const spec = {
        accessModes: ["ReadWriteOnce"],
        storageClassName: args.storageClass,
        resources: { requests: { storage: args.storage } },
    };
    const claim = new PersistentVolumeClaim(
        `${name}-claim`,
        {
            metadata: { name: claimOf(args.name), namespace: args.namespace, annotations: boundLater },
            spec,
        },
        // Another class would be another volume, without the data.
        { ...kept, ignoreChanges: ["spec.storageClassName"] },
    );
    const statefulSet = new StatefulSet(
        `${name}-statefulset`,
        {
            metadata,
            spec: {
                serviceName: args.name,
                replicas: 1,
                selector: { matchLabels: { app: args.name } },
                template: args.template,
                volumeClaimTemplates: [{ metadata: { name: volume }, spec }],
                // Who takes the StatefulSet away doesn't take the data away.
                persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
            },
        },
        // Kubernetes lets nobody change the template; the claim itself can grow.
        { ...kept, dependsOn: claim, ignoreChanges: ["spec.volumeClaimTemplates"] },
    );
    const service = new Service(
        `${name}-service`,
        {
            metadata: { ...metadata, annotations: readyBefore },
            // The StatefulSet's own labels, and so after it.
            spec: { selector: statefulSet.spec.selector.matchLabels, ports: [{ port: args.port, targetPort: args.port }] },
        },
        opts,
    );
    return service.metadata.name;
}

/** The volume's name in the pod. */
const volume = "data";

/** The name by which a StatefulSet looks for its pod's claim. It makes one of its own only where there is none. */
export function claimOf(statefulSet: string): string {
    return `${volume}-${statefulSet}-0`;
}

/** A claim may be bound only when its pod is there; the provider would wait for it before that, or for ever after. */
const boundLater = { "pulumi.com/skipAwait": "true" };
