import { Deployment } from "@pulumi/kubernetes/apps/v1";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1";
import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import { appPod, type Process, rolloutTimeout, type WorkloadArgs } from "./app";

/** A workload of which there can be many. */
export interface ReplicatedArgs extends WorkloadArgs {
    replicas: number;
    minReadySeconds: number;
    rollout: { maxSurge: string | number; maxUnavailable: string | number };
}

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
    return new Deployment(
        `${name}-deployment`,
        {
            metadata,
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
        { ...opts, ...rolloutTimeout(args) },
    );
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
