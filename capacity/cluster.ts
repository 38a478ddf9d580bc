/** A cluster's nodes and pods, as far as they say what is free. */
import { type Amounts, minus, most, none, quantities, sum } from "./amounts";

export interface ClusterNode {
    metadata: { name: string; labels?: Record<string, string> };
    spec?: { unschedulable?: boolean; taints?: { key: string; effect: string }[] };
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
        resources?: { requests?: Record<string, string> };
    };
    status?: { phase?: string };
}

/** Whether pods of that architecture run there; a node that doesn't say may be of any. */
export function isOf(architecture: string | undefined, { metadata, status }: ClusterNode): boolean {
    const own = status?.nodeInfo?.architecture ?? metadata.labels?.["kubernetes.io/arch"];
    return architecture === undefined || own === undefined || own === architecture;
}

/** Whether it stands for as many machines as pods ask for: they start in the cloud's container service. */
export function isVirtual({ metadata, spec }: ClusterNode): boolean {
    return metadata.labels?.type === "virtual-kubelet" || (spec?.taints?.some(({ key }) => key === "virtual-kubelet.io/provider") ?? false);
}

/** Whether pods that tolerate nothing are put there. */
export function takesPods({ spec, status }: ClusterNode): boolean {
    const isTainted = spec?.taints?.some(({ effect }) => effect === "NoSchedule" || effect === "NoExecute") ?? false;
    const isReady = status?.conditions?.find(({ type }) => type === "Ready")?.status !== "False";
    return spec?.unschedulable !== true && !isTainted && isReady;
}

/** What each node that takes pods has left beside `pods`. */
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

/** What the scheduler sets aside for a pod: its containers and native sidecars together, or an init container that wants more. */
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
