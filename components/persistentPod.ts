import { StatefulSet } from "@pulumi/kubernetes/apps/v1";
import { PersistentVolumeClaim, Service } from "@pulumi/kubernetes/core/v1";
import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions, Input, Output } from "@pulumi/pulumi";
import { readyBefore } from "./cluster";

export interface PersistentPodArgs {
    namespace: Input<string>;
    /** Also the host name in the cluster. */
    name: string;
    port: number;
    /** The pod. It mounts the volume `data`. */
    template: core.v1.PodTemplateSpec;
    storage: string;
    /** The default is the cluster's default class. */
    storageClass?: string;
    /** Annotations that stay as long as the volume exists. */
    claimAnnotations?: Record<string, Input<string>>;
    /** Stops Pulumi from deleting or replacing the pod's StatefulSet and claim. */
    protect: boolean;
}

/** One pod with its own volume, behind a Service. Returns the host. Resources that use the host wait until the pod is ready. */
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
            metadata: { name: claimOf(args.name), namespace: args.namespace, annotations: { ...boundLater, ...args.claimAnnotations } },
            spec,
        },
        // Another class would mean another volume, without the data.
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
                // If the StatefulSet is deleted, the claim and its data remain.
                persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
            },
        },
        // Kubernetes refuses changes to the template. The claim itself can grow.
        { ...kept, dependsOn: claim, ignoreChanges: ["spec.volumeClaimTemplates"] },
    );
    const service = new Service(
        `${name}-service`,
        {
            metadata: { ...metadata, annotations: readyBefore },
            // The labels are an output of the StatefulSet, so the Service waits for it.
            spec: { selector: statefulSet.spec.selector.matchLabels, ports: [{ port: args.port, targetPort: args.port }] },
        },
        opts,
    );
    return service.metadata.name;
}

/** The volume's name in the pod. */
const volume = "data";

/** The name under which a StatefulSet looks for its pod's claim. It creates a claim only if there is none. */
export function claimOf(statefulSet: string): string {
    return `${volume}-${statefulSet}-0`;
}

/** A claim may stay unbound until its pod exists. The provider would wait for the binding before it creates the pod, and so for ever. */
const boundLater = { "pulumi.com/skipAwait": "true" };
