/** A cluster's nodes and pods, and the amounts that are free on the nodes. */
import type { Placement, Toleration } from "../components/podTemplate";
import { type Amounts, minus, most, none, quantities, sum } from "./amounts";

interface Taint {
    key: string;
    value?: string;
    effect: string;
}

export interface ClusterNode {
    metadata: { name: string; labels?: Record<string, string> };
    spec?: { unschedulable?: boolean; taints?: Taint[] };
    status?: {
        allocatable?: Record<string, string>;
        conditions?: { type: string; status: string }[];
        nodeInfo?: { architecture?: string };
    };
}

interface Container {
    restartPolicy?: string;
    resources?: { requests?: Record<string, string> };
}

export interface ClusterPod {
    metadata: { name: string; namespace: string; labels?: Record<string, string> };
    spec: {
        nodeName?: string;
        containers: Container[];
        initContainers?: Container[];
        overhead?: Record<string, string>;
        /** The value of its PriorityClass. */
        priority?: number;
        resources?: { requests?: Record<string, string> };
    };
    status?: { phase?: string };
}

/** Whether pods of this architecture run on the node. A node without an architecture counts as any. */
export function isOf(architecture: string | undefined, { metadata, status }: ClusterNode): boolean {
    const own = status?.nodeInfo?.architecture ?? metadata.labels?.["kubernetes.io/arch"];
    return architecture === undefined || own === undefined || own === architecture;
}

/** Whether it is a virtual node. Its pods start in the cloud's container service, so it has room for any number of pods. */
export function isVirtual({ metadata, spec }: ClusterNode): boolean {
    return metadata.labels?.type === "virtual-kubelet" || (spec?.taints?.some(({ key }) => key === "virtual-kubelet.io/provider") ?? false);
}

/** Whether the scheduler puts pods on this node at all. */
function takesPods({ spec, status }: ClusterNode): boolean {
    const isReady = status?.conditions?.find(({ type }) => type === "Ready")?.status !== "False";
    return spec?.unschedulable !== true && isReady;
}

/** Whether the scheduler puts pods with this placement on the node, and they stay there. */
export function suits({ nodeSelector = {}, tolerations = [] }: Placement, { metadata, spec }: ClusterNode): boolean {
    const isPicked = Object.entries(nodeSelector).every(([key, value]) => metadata.labels?.[key] === value);
    const taints = spec?.taints?.filter(({ effect }) => effect === "NoSchedule" || effect === "NoExecute") ?? [];
    return isPicked && taints.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** Reads a toleration as the API server does: a missing field matches anything. Pods with a time limit for NoExecute don't stay. */
function tolerates({ key, operator = "Equal", value = "", effect, tolerationSeconds }: Toleration, taint: Taint): boolean {
    return (
        (effect === undefined || effect === taint.effect) &&
        (key === undefined || key === taint.key) &&
        (operator === "Exists" || value === (taint.value ?? "")) &&
        !(tolerationSeconds !== undefined && taint.effect === "NoExecute")
    );
}

/** The free amounts of each node that accepts pods, after the requests of `pods`. */
export function freeOn(nodes: readonly ClusterNode[], pods: readonly ClusterPod[]): Map<string, Amounts> {
    const free = new Map(nodes.filter(takesPods).map(({ metadata, status }) => [metadata.name, quantities(status?.allocatable)]));
    for (const pod of pods) {
        const left = free.get(pod.spec.nodeName ?? "");
        if (left !== undefined && !hasEnded(pod)) {
            free.set(pod.spec.nodeName ?? "", minus(left, requestsOf(pod.spec)));
        }
    }
    return free;
}

export function hasEnded({ status }: ClusterPod): boolean {
    return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/**
 * The amounts that the scheduler reserves for a pod: its containers and native sidecars together, or an init container that requests more.
 */
export function requestsOf({ containers, initContainers = [], overhead, resources }: ClusterPod["spec"]): Amounts {
    let sidecars = none;
    let start = none;
    for (const container of initContainers) {
        const own = quantities(container.resources?.requests);
        if (container.restartPolicy === "Always") {
            sidecars = sum(sidecars, own);
            start = most(start, sidecars);
        } else {
            start = most(start, sum(sidecars, own));
        }
    }
    const running = sum(sidecars, ...containers.map((container) => quantities(container.resources?.requests)));
    const { cpu, memory } = sum(most(running, start), quantities(overhead));
    const whole = resources?.requests ?? {};
    return { cpu: quantities(whole).cpu || cpu, memory: quantities(whole).memory || memory, pods: 1 };
}
