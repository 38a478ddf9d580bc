import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import { appPod, type Process, rolloutTimeout, type WorkloadArgs } from "./app";

/** A workload of which there can be many. */
export interface ReplicatedArgs extends WorkloadArgs {
    replicas: number;
    minReadySeconds: number;
    rollout: { maxSurge: string | number; maxUnavailable: string | number };
    /** Up from `replicas`, where there is more to do. */
    autoscale?: CpuAutoscale | QueueAutoscale;
}

/** By the cpu that the pods take, in percent of what they request. */
export interface CpuAutoscale {
    kind?: "cpu";
    maxReplicas: number;
    cpuPercent: number;
}

/** By the tasks that wait. */
export interface QueueAutoscale {
    kind: "queue";
    maxReplicas: number;
    tasksPerPod: number;
}

/** Five minutes of calm, then a quarter of the pods a minute: what comes in waves shouldn't find the pods gone. */
export const calmly = {
    scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: "Percent", value: 25, periodSeconds: 60 }] },
};

/** Any number of pods that run one process of the app: those that serve go last, and never all at once. */
export function replicatedPods(name: string, args: ReplicatedArgs, process: Process, opts: CustomResourceOptions): Deployment {
    const metadata = { name: process.name, namespace: args.app.namespace };
    const selector = { matchLabels: { app: process.name } };
    new PodDisruptionBudget(
        `${name}-disruption-budget`,
        {
            metadata,
            // One at a time, and so never none at all: a node can be drained whatever the number of replicas. A pod that isn't
            // ready serves nobody, and holds no drain up.
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
                // Switched on or off, the Deployment changes, and so its number of pods is handed over.
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
        // Autoscaled, the number is the autoscaler's; the provider leaves alone what is another's.
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
                // The collector beside it has little to do with how much there is to do.
                containerResource: { container, name: "cpu", target: { type: "Utilization", averageUtilization: cpuPercent } },
            },
        ],
        behavior: calmly,
    };
}

/** Over zones and over nodes, as far as there is room: each release by itself, or a rollout would count the pods that go. */
function spread(labelSelector: core.v1.TopologySpreadConstraint["labelSelector"]): core.v1.TopologySpreadConstraint[] {
    return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector,
        matchLabelKeys: ["pod-template-hash"],
    }));
}
