/** The capacity that a stack pays for: pods' requests, storage, the stores' classes, and the retention of logs. */
import { type Amounts, none, quantities, sum, times, written } from "../capacity/amounts";
import { sizeOf } from "./classes";
import type { Resource } from "./resources";

/** A line of the comparison. `footprint` returns them in reading order. */
export interface Line {
    readonly what: string;
    readonly amount: string;
}

type Inputs = Record<string, unknown>;

interface Container {
    readonly restartPolicy?: string;
    readonly resources?: { requests?: Partial<Record<string, string>>; limits?: Partial<Record<string, string>> };
}

interface PodSpec {
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
}

interface WorkloadInputs {
    readonly metadata?: { name?: string };
    readonly spec?: { replicas?: number; template?: { spec?: PodSpec } };
}

export function footprint(resources: readonly Resource[]): Line[] {
    const ofType = (pattern: RegExp) => resources.filter(({ type }) => pattern.test(type)).map(({ inputs }) => inputs as Inputs);
    const most = mostReplicas(resources);
    const workloads = ofType(/^kubernetes:apps\/v1:(Deployment|StatefulSet)$/).map((inputs) => {
        const { metadata, spec } = inputs as WorkloadInputs;
        const replicas = Number(spec?.replicas ?? 1);
        const pod = (kind: "requests" | "limits"): Amounts => ({ ...sum(...running(spec?.template?.spec, kind)), pods: 1 });
        return { replicas, most: most.get(metadata?.name ?? "") ?? replicas, requests: pod("requests"), limits: pod("limits") };
    });
    const range = (kind: "cpu" | "memory" | "pods", of: "requests" | "limits") => {
        const total = (count: "replicas" | "most") => sum(none, ...workloads.map((each) => times(each[count], each[of])))[kind];
        const [least, greatest] = [total("replicas"), total("most")].map((value) => written(kind, value));
        return least === greatest ? `${least}` : `${least} to ${greatest}`;
    };
    const claims = ofType(/^kubernetes:core\/v1:PersistentVolumeClaim$/).map((inputs) =>
        quantities({
            memory: String((inputs as { spec?: { resources?: { requests?: Inputs } } }).spec?.resources?.requests?.storage ?? "0"),
        }),
    );
    return [
        ...(workloads.length === 0
            ? []
            : [
                  { what: "pods", amount: range("pods", "requests") },
                  { what: "requested cpu, cores", amount: range("cpu", "requests") },
                  { what: "requested memory", amount: range("memory", "requests") },
                  { what: "memory limits", amount: range("memory", "limits") },
              ]),
        ...(claims.length === 0 ? [] : [{ what: "volumes in the cluster", amount: written("memory", sum(...claims).memory) }]),
        ...ofType(/^alicloud:kvstore\/instance:Instance$/).map(({ instanceClass, shardCount }) => ({
            what: "Redis",
            amount: `${sized(instanceClass)}${Number(shardCount ?? 1) > 1 ? `, ${shardCount} shards` : ""}`,
        })),
        ...ofType(/^alicloud:mongodb\/instance:Instance$/).map(({ dbInstanceClass, replicationFactor, dbInstanceStorage }) => ({
            what: "MongoDB",
            amount: `${replicationFactor ?? 3} nodes of ${sized(dbInstanceClass)}, each with ${dbInstanceStorage} GB of storage`,
        })),
        ...ofType(/^alicloud:log\/store:Store$/).map(({ retentionPeriod }) => ({
            what: "logs kept",
            amount: `${retentionPeriod} ${Number(retentionPeriod) === 1 ? "day" : "days"}`,
        })),
    ];
}

/** Requests or limits of the containers that run at the same time. A sidecar is an init container with `restartPolicy: Always`. */
function running({ containers = [], initContainers = [] }: PodSpec = {}, kind: "requests" | "limits"): Amounts[] {
    return [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === "Always")].map(({ resources }) =>
        quantities(resources?.[kind]),
    );
}

/** The largest number of replicas of each workload that an autoscaler scales, by the workload's name. */
function mostReplicas(resources: readonly Resource[]): Map<string, number> {
    return new Map(
        resources
            .filter(({ type }) => /:(HorizontalPodAutoscaler|ScaledObject)$/.test(type))
            .map(({ inputs }) => (inputs as { spec?: Inputs & { scaleTargetRef?: { name?: string } } }).spec ?? {})
            .map(({ scaleTargetRef, maxReplicas, maxReplicaCount }) => [
                String(scaleTargetRef?.name),
                Number(maxReplicas ?? maxReplicaCount),
            ]),
    );
}

function sized(instanceClass: unknown): string {
    const size = sizeOf(String(instanceClass));
    if (size === undefined) {
        return String(instanceClass);
    }
    const cores = size.cores === undefined ? "" : `${size.cores} cores and `;
    return `${instanceClass} (${cores}${size.memoryGb} GB)`;
}

/** Lines of both sides in one list, matched by `what`. */
export function beside(before: readonly Line[], after: readonly Line[]): { what: string; before?: string; after?: string }[] {
    const names = [...new Set([...after, ...before].map(({ what }) => what))];
    const amountIn = (lines: readonly Line[], name: string) => lines.find(({ what }) => what === name)?.amount;
    return names.map((what) => ({ what, before: amountIn(before, what), after: amountIn(after, what) }));
}
