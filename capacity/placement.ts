/** Finds out whether pods have room. The functions are pure, so that a test can try any cluster. */
import type { Placement as Allowed } from "../components/podTemplate";
import { type Amounts, lacking, minus, sum } from "./amounts";
import { type ClusterNode, type ClusterPod, freeOn, hasEnded, isOf, requestsOf, suits } from "./cluster";

export interface Workload {
    readonly name: string;
    /** Its path in the stack file: `["web"]` is `sms:web`. */
    readonly key: readonly string[];
    /** Its pods' `app` label. */
    readonly app: string;
    readonly replicas: number;
    /** The most replicas that an autoscaler may set. */
    readonly maxReplicas?: number;
    /** The requests of one pod, including its sidecars. */
    readonly requests: Amounts;
    /** The architecture of the nodes that can run it, for example `amd64`. Undefined if all nodes can. */
    readonly architecture?: string;
    /** The nodes on which its pods may run. */
    readonly placement?: Allowed;
    /** Its pods can preempt other owners' pods of a lower priority. */
    readonly priority?: number;
    /** A rollout begins with one additional pod. Without room for that pod the rollout never starts. */
    readonly needsSpare: boolean;
}

/** Pods of one workload that have no room. */
export interface Shortage {
    readonly workload: Workload;
    /** The number of pods that would stay Pending. If it is 0, only the rollout's additional pod has no room. */
    readonly pending: number;
    /** The free amounts on each node that can run it, after all other pods are placed. */
    readonly left: readonly Amounts[];
    /** The number of replicas with which everything has room, if there is such a number. */
    readonly fitting?: number;
}

export interface Placement {
    readonly placed: readonly { workload: Workload; node: string }[];
    readonly pending: readonly { workload: Workload; count: number }[];
    /** The free amounts on each node that can run the workload. */
    readonly left: (workload: Workload) => Amounts[];
    /** The workloads that can't be rolled out, because there is no room for an additional pod of each. */
    readonly withoutSpare: readonly Workload[];
}

interface Place {
    readonly nodes: readonly ClusterNode[];
    readonly pods: readonly ClusterPod[];
}

/** All shortages. If fewer replicas of one workload make room for everything, only the shortage of that workload. */
export function shortages(cluster: Place, namespace: string, wanted: readonly Workload[]): Shortage[] {
    const { pending, left, withoutSpare } = place(cluster, namespace, wanted);
    const fewer = (workload: Workload) =>
        Array.from({ length: workload.replicas - 1 }, (_, taken) => {
            const replicas = workload.replicas - 1 - taken;
            const others = wanted.map((other) => (other === workload ? { ...workload, replicas } : other));
            return { replicas, ...place(cluster, namespace, others) };
        });
    const fitting = (tries: (Placement & { replicas: number })[]) =>
        tries.find((tried) => tried.pending.length === 0 && tried.withoutSpare.length === 0)?.replicas;
    if (pending.length === 0) {
        return withoutSpare.map((workload) => ({ workload, pending: 0, left: left(workload), fitting: fitting(fewer(workload)) }));
    }
    for (const { workload } of [...pending].sort((a, b) => b.workload.replicas - a.workload.replicas)) {
        const tries = fewer(workload);
        const found = tries.find((tried) => tried.pending.length === 0);
        if (found !== undefined) {
            return [{ workload, pending: workload.replicas - found.replicas, left: found.left(workload), fitting: fitting(tries) }];
        }
    }
    return pending.map(({ workload, count }) => ({ workload, pending: count, left: left(workload) }));
}

/**
 * Gives every pod a node, as the scheduler would. Running pods stay on their nodes. The other pods go to the first node with room, the
 * biggest pods first. Other owners' pods don't move, but pods of a lower priority are preempted.
 */
export function place({ nodes, pods }: Place, namespace: string, wanted: readonly Workload[]): Placement {
    const ownerOf = ({ metadata }: ClusterPod) =>
        metadata.namespace === namespace ? wanted.find(({ app }) => app === metadata.labels?.app) : undefined;
    const others = pods.filter((pod) => ownerOf(pod) === undefined);
    const free = freeOn(nodes, others);
    const running = (workload: Workload) => pods.filter((pod) => !hasEnded(pod) && ownerOf(pod) === workload).length;
    const now = (workload: Workload) => Math.max(workload.replicas, Math.min(running(workload), workload.maxReplicas ?? 0));
    const waiting = new Map(wanted.map((workload) => [workload, now(workload)]));
    const isWaiting = (workload: Workload) => (waiting.get(workload) ?? 0) > 0;
    const placed: { workload: Workload; node: string }[] = [];
    const nodeOf = new Map(nodes.map((node) => [node.metadata.name, node]));
    const isSuiting = ({ architecture, placement = {} }: Workload, name: string) => {
        const node = nodeOf.get(name) as ClusterNode;
        return isOf(architecture, node) && suits(placement, node);
    };
    const othersOn = byNode(others.filter((pod) => !hasEnded(pod)));
    const withYielding = ({ priority }: Workload, node: string, room: Amounts) => {
        const yielding = priority === undefined ? [] : (othersOn.get(node) ?? []).filter((pod) => (pod.spec.priority ?? 0) < priority);
        // The scheduler would preempt these pods for a pod of this priority.
        return sum(room, ...yielding.map(({ spec }) => requestsOf(spec)));
    };
    const fits = (workload: Workload, node: string) => {
        const room = free.get(node);
        if (room === undefined || !isSuiting(workload, node) || lacking(workload.requests, withYielding(workload, node, room)).length > 0) {
            return false;
        }
        free.set(node, minus(room, workload.requests));
        return true;
    };
    const put = (workload: Workload, node: string) => {
        const isPut = fits(workload, node);
        if (isPut) {
            placed.push({ workload, node });
            waiting.set(workload, (waiting.get(workload) ?? 0) - 1);
        }
        return isPut;
    };

    for (const pod of pods.filter((pod) => !hasEnded(pod))) {
        const owner = ownerOf(pod);
        if (owner !== undefined && isWaiting(owner) && pod.spec.nodeName !== undefined) {
            put(owner, pod.spec.nodeName);
        }
    }
    const biggestFirst = bySize(wanted, [...free.values()]);
    for (const workload of biggestFirst) {
        while (isWaiting(workload) && [...free.keys()].some((node) => put(workload, node))) {}
    }
    const rooms = new Map(free);
    const left = (workload: Workload) =>
        [...rooms].filter(([node]) => isSuiting(workload, node)).map(([node, room]) => withYielding(workload, node, room));
    const withoutSpare = biggestFirst.filter(
        (workload) => workload.needsSpare && !isWaiting(workload) && ![...free.keys()].some((node) => fits(workload, node)),
    );
    return {
        placed,
        pending: wanted.filter(isWaiting).map((workload) => ({ workload, count: waiting.get(workload) ?? 0 })),
        left,
        withoutSpare,
    };
}

function byNode(pods: readonly ClusterPod[]): Map<string | undefined, ClusterPod[]> {
    const found = new Map<string | undefined, ClusterPod[]>();
    for (const pod of pods) {
        const on = found.get(pod.spec.nodeName) ?? [];
        found.set(pod.spec.nodeName, on);
        on.push(pod);
    }
    return found;
}

/** Sorts by size, the biggest first. The size is the largest share of a node's cpu or memory that one pod takes. */
function bySize(wanted: readonly Workload[], free: readonly Amounts[]): Workload[] {
    const part = ({ requests }: Workload) =>
        Math.max(...(["cpu", "memory"] as const).map((kind) => requests[kind] / Math.max(1e-9, ...free.map((room) => room[kind]))));
    return [...wanted].sort((a, b) => part(b) - part(a));
}
