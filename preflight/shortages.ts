import { kinds, lacking, times, written } from "../capacity/amounts";
import type { Shortage, Workload } from "../capacity/placement";
import { Commands, keyOf } from "../settings/problems";
import type { Obstacle } from "./problems";

/** An obstacle for each shortage, with its fix. */
export function shortageObstacles(stack: string, shortages: readonly Shortage[]): Obstacle[] {
    return shortages.map((shortage) => ({ message: words(shortage), fix: fix(shortage, new Commands(stack)) }));
}

function words({ workload, pending, left }: Shortage): string {
    const { name, replicas, requests } = workload;
    const who =
        pending > 0
            ? `${pending} of ${replicas} ${name} ${replicas === 1 ? "pod" : "pods"} would stay Pending`
            : `a rollout of ${name} could not begin, as its additional pod would stay Pending`;
    const asked = times(Math.max(1, pending), requests);
    const everywhere = kinds.filter((kind) => left.every((room) => lacking(requests, room).includes(kind)));
    const somewhere = kinds.filter((kind) => left.some((room) => lacking(requests, room).includes(kind)));
    const missing = everywhere.length > 0 ? everywhere : somewhere;
    const amounts = missing.map((kind) => {
        const free = left.map((room) => Math.max(0, room[kind]));
        const total = free.reduce((a, b) => a + b, 0);
        const scattered = total >= requests[kind] ? `, ${written(kind, Math.max(...free))} at most on one node` : "";
        return `${written(kind, asked[kind])} ${kind} requested, ${written(kind, total)} free${scattered}`;
    });
    return `${who}: ${left.length === 0 ? noNode(workload) : amounts.join("; ")}`;
}

function noNode({ architecture, placement }: Workload): string {
    const labels = Object.entries(placement?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
    const node = architecture === undefined ? "node" : `${architecture} node`;
    return `no ${node}${labels.length > 0 ? ` with the ${labels.length === 1 ? "label" : "labels"} ${labels.join(", ")}` : ""} takes its pods`;
}

function fix({ workload: { key }, pending, fitting, left }: Shortage, commands: Commands): string {
    if (left.length === 0) {
        return `change their placement (nodeSelector and tolerations in ${keyOf([...key, "placement"])} or sms:placement), or add nodes`;
    }
    const commanded = [
        ...(fitting === undefined ? [] : [commands.set([...key, "replicas"], fitting)]),
        ...(pending === 0 ? [commands.set([...key, "rollout", "maxUnavailable"], 1)] : []),
    ];
    return [...commanded, `ask for less in ${keyOf(key)}.resources.requests`, "add nodes"].join(", or ");
}
