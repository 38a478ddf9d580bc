/** Obstacles for PriorityClasses. If a pod names a missing class, Kubernetes never creates the pod. */
import type { PriorityClass } from "../capacity/wanted";
import type { Settings } from "../settings";
import { Commands, keyOf } from "../settings/problems";
import type { Obstacle } from "./problems";

/** The classes that the stack's pods name, each once, with its path in the stack file. */
export function namedClasses({ placement, web, workers, beat, redis, mongo }: Settings): Map<string, string[]> {
    const stores = Object.entries({ redis, mongo }).flatMap(([name, store]) =>
        store.kind === "cluster" ? [{ key: [name], ...store }] : [],
    );
    const placed = [{ key: [], placement }, { key: ["web"], ...web }, ...workers, { key: ["beat"], ...beat }, ...stores];
    const named = new Map<string, string[]>();
    for (const { key, placement } of placed) {
        const name = placement?.priorityClassName;
        if (name !== undefined && !named.has(name)) {
            named.set(name, [...key, "placement", "priorityClassName"]);
        }
    }
    return named;
}

export function priorityClassObstacles(stack: string, named: ReadonlyMap<string, string[]>, classes: readonly PriorityClass[]): Obstacle[] {
    return [...named]
        .filter(([name]) => !classes.some(({ metadata }) => metadata.name === name))
        .map(([name, path]) => ({
            message: `${keyOf(path)} is ${name}, but the cluster has no PriorityClass of that name: Kubernetes would never create its pods`,
            fix: `kubectl create priorityclass ${name} --value NUMBER, or: ${new Commands(stack).remove(path)}`,
        }));
}
