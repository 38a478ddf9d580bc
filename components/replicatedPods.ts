import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import { appPod, type Process, rolloutTimeout, type WorkloadArgs } from "./app";

/** A workload that can have many pods. */
export interface ReplicatedArgs extends WorkloadArgs {
    replicas: number;
    minReadySeconds: number;
    rollout: { maxSurge: string | number; maxUnavailable: string | number };
    /** Scales up from `replicas` when the load grows. */
    autoscale?: CpuAutoscale | QueueAutoscale;
}

/** Scales by the pods' cpu usage, in percent of their requests. */
export interface CpuAutoscale {
    kind?: "cpu";
    maxReplicas: number;
    cpuPercent: number;
}

/** Scales by the number of waiting tasks. */
export interface QueueAutoscale {
    kind: "queue";
    maxReplicas: number;
    tasksPerPod: number;
}

/** Scales down after five minutes of low load, by a quarter of the pods a minute. So load that comes in waves still finds enough pods. */
export const calmly = {
    scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: "Percent", value: 25, periodSeconds: 60 }] },
};

/** Any number of pods that run one process of the app. Old pods go only after new ones serve, and never all at once. */
export function replicatedPods(name: string, args: ReplicatedArgs, process: Process, opts: CustomResourceOptions): Deployment {
    const metadata = { name: process.name, namespace: args.app.namespace };
    const selector = { matchLabels: { app: process.name } };
    new PodDisruptionBudget(
        `${name}-disruption-budget`,
        {
            metadata,
            // One pod at a time, and never zero, so that a node can be drained with any number of replicas. A pod that isn't ready serves
            // no requests, so it doesn't block a drain.
            spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow", selector },
        },
        opts,
    );
    const { autoscale } = args;
    const deployment = new Deployment(
        `${name}-deployment`,
        {
            metadata: {
                ...metadata,
                // If autoscaling is switched on or off, this changes the Deployment, and that update hands the number of pods to its new
                // owner.
                annotations: { "sms/replicas": autoscale ? "autoscaled" : "fixed" },
            },
            spec: {
                replicas: args.replicas,
                minReadySeconds: args.minReadySeconds,
                revisionHistoryLimit: args.revisionHistoryLimit,
                progressDeadlineSeconds: args.rolloutTimeoutSeconds,
                strategy: { type: "RollingUpdate", rollingUpdate: args.rollout },
                selector,
                template: appPod(args, { ...process, spec: { topologySpreadConstraints: spread(selector) } }),
            },
        },
        // With autoscaling, the autoscaler owns the number of pods. The provider doesn't change fields of another owner.
        { ...opts, ...rolloutTimeout(args), ...(autoscale ? { ignoreChanges: ["spec.replicas"] } : {}) },
    );
    if (autoscale && autoscale.kind !== "queue") {
        new HorizontalPodAutoscaler(
            `${name}-autoscaler`,
            { metadata, spec: byCpu(process.name, args.replicas, autoscale, deployment) },
            opts,
        );
    }
    return deployment;
}

function byCpu(
    container: string,
    minReplicas: number,
    { maxReplicas, cpuPercent }: CpuAutoscale,
    { metadata, kind, apiVersion }: Deployment,
) {
    return {
        scaleTargetRef: { apiVersion, kind, name: metadata.name },
        minReplicas,
        maxReplicas,
        metrics: [
            {
                type: "ContainerResource",
                // The log collector's cpu usage says little about the load.
                containerResource: { container, name: "cpu", target: { type: "Utilization", averageUtilization: cpuPercent } },
            },
        ],
        behavior: calmly,
    };
}

/**
 * Spreads the pods over zones and nodes as far as there is room. Each release counts by itself, so that a rollout ignores the leaving pods.
 */
function spread(labelSelector: core.v1.TopologySpreadConstraint["labelSelector"]): core.v1.TopologySpreadConstraint[] {
    return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector,
        matchLabelKeys: ["pod-template-hash"],
    }));
}
