/** Whether pods find room: pure, so that every cluster can be tried in a test. */
import { type Amounts, lacking, minus } from "./amounts";
import { type ClusterNode, type ClusterPod, freeOn, hasEnded, isOf } from "./cluster";

export interface Workload {
    readonly name: string;
    /** Where the stack file has it: `["web"]` is `sms:web`. */
    readonly key: readonly string[];
    /** Its pods' `app` label. */
    readonly app: string;
    readonly replicas: number;
    /** What an autoscaler may make of them. */
    readonly maxReplicas?: number;
    /** Of one pod, with all that runs beside it. */
    readonly requests: Amounts;
    /** Of the nodes that can run it, where only some can: `amd64`. */
    readonly architecture?: string;
    /** A rollout begins with one pod more: without room for that it never takes its first step. */
    readonly needsSpare: boolean;
}

/** Pods that find no room. */
export interface Shortage {
    readonly workload: Workload;
    /** Those that wait for ever; with none, it is the rollout's additional pod that does. */
    readonly pending: number;
    /** What is left on each node that can run it, once all the others have their place. */
    readonly left: readonly Amounts[];
    /** So many replicas leave room for everything, if any number does. */
    readonly fitting?: number;
}

export interface Placement {
    readonly placed: readonly { workload: Workload; node: string }[];
    readonly pending: readonly { workload: Workload; count: number }[];
    /** What is left on each node that can run the workload. */
    readonly left: (workload: Workload) => Amounts[];
    /** Those that can't be rolled out, as there is no room for one pod more of each. */
    readonly withoutSpare: readonly Workload[];
}

interface Place {
    readonly nodes: readonly ClusterNode[];
    readonly pods: readonly ClusterPod[];
}

/** Everything that finds no room; where fewer replicas of one workload make room for all, that one alone. */
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
 * Gives every pod a node, as the scheduler would: those that run stay where they are, the others go, the biggest first, to
 * the first node with room. Nobody else's pod is moved.
 */
export function place({ nodes, pods }: Place, namespace: string, wanted: readonly Workload[]): Placement {
    const ownerOf = ({ metadata }: ClusterPod) =>
        metadata.namespace === namespace ? wanted.find(({ app }) => app === metadata.labels?.app) : undefined;
    const free = freeOn(
        nodes,
        pods.filter((pod) => ownerOf(pod) === undefined),
    );
    const running = (workload: Workload) => pods.filter((pod) => !hasEnded(pod) && ownerOf(pod) === workload).length;
    const now = (workload: Workload) => Math.max(workload.replicas, Math.min(running(workload), workload.maxReplicas ?? 0));
    const waiting = new Map(wanted.map((workload) => [workload, now(workload)]));
    const isWaiting = (workload: Workload) => (waiting.get(workload) ?? 0) > 0;
    const placed: { workload: Workload; node: string }[] = [];
    const nodeOf = new Map(nodes.map((node) => [node.metadata.name, node]));
    const isSuiting = ({ architecture }: Workload, name: string) => isOf(architecture, nodeOf.get(name) as ClusterNode);
    const fits = (workload: Workload, node: string) => {
        const room = free.get(node);
        if (room === undefined || !isSuiting(workload, node) || lacking(workload.requests, room).length > 0) {
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
    const left = (workload: Workload) => [...rooms].filter(([node]) => isSuiting(workload, node)).map(([, room]) => room);
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

/** The biggest first, by the part of a node that one pod takes of whatever it takes most of. */
function bySize(wanted: readonly Workload[], free: readonly Amounts[]): Workload[] {
    const part = ({ requests }: Workload) =>
        Math.max(...(["cpu", "memory"] as const).map((kind) => requests[kind] / Math.max(1e-9, ...free.map((room) => room[kind]))));
    return [...wanted].sort((a, b) => part(b) - part(a));
}
