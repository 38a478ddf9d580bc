import type { Obstacle } from "../preflight/problems";
import { Commands, keyOf } from "../settings/problems";
import { kinds, lacking, times, written } from "./amounts";
import type { Shortage } from "./placement";

/** The shortages in words, with what to change. */
export function shortageObstacles(stack: string, shortages: readonly Shortage[]): Obstacle[] {
    return shortages.map((shortage) => ({ message: words(shortage), fix: fix(shortage, new Commands(stack)) }));
}

function words({ workload: { name, replicas, requests, architecture }, pending, left }: Shortage): string {
    const who =
        pending > 0
            ? `${pending} of ${replicas} ${name} ${replicas === 1 ? "pod" : "pods"} would stay Pending`
            : `a rollout of ${name} could not begin, as the one pod more that it begins with would stay Pending`;
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
    return `${who}: ${left.length === 0 ? `no ${architecture === undefined ? "" : `${architecture} `}node takes pods` : amounts.join("; ")}`;
}

function fix({ workload: { key }, pending, fitting }: Shortage, commands: Commands): string {
    const commanded = [
        ...(fitting === undefined ? [] : [commands.set([...key, "replicas"], fitting)]),
        ...(pending === 0 ? [commands.set([...key, "rollout", "maxUnavailable"], 1)] : []),
    ];
    return [...commanded, `ask for less in ${keyOf(key)}.resources.requests`, "add nodes"].join(", or ");
}
