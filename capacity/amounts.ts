import { amount } from "../settings/quantity";

/** The amounts that the scheduler counts, in cores, bytes and pods. */
export interface Amounts {
    readonly cpu: number;
    readonly memory: number;
    readonly pods: number;
}

export const none: Amounts = { cpu: 0, memory: 0, pods: 0 };
export const kinds = ["cpu", "memory", "pods"] as const;

/** Tolerance for rounding errors, so that a pod that fits exactly isn't refused. */
const tolerance = 1e-6;

export function quantities(given: Partial<Record<string, string>> = {}): Amounts {
    const of = (kind: string) => amount(given[kind] ?? "0") ?? 0;
    return { cpu: of("cpu"), memory: of("memory"), pods: of("pods") };
}

export function sum(...all: readonly Amounts[]): Amounts {
    return all.reduce((a, b) => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory, pods: a.pods + b.pods }), none);
}

export function times(n: number, { cpu, memory, pods }: Amounts): Amounts {
    return { cpu: n * cpu, memory: n * memory, pods: n * pods };
}

export function minus(a: Amounts, b: Amounts): Amounts {
    return sum(a, times(-1, b));
}

export function most(...all: readonly Amounts[]): Amounts {
    const of = (kind: (typeof kinds)[number]) => Math.max(0, ...all.map((amounts) => amounts[kind]));
    return { cpu: of("cpu"), memory: of("memory"), pods: of("pods") };
}

/** The kinds for which `asked` is more than `free`. */
export function lacking(asked: Amounts, free: Amounts): (typeof kinds)[number][] {
    return kinds.filter((kind) => asked[kind] > free[kind] + tolerance);
}

/** An amount as Kubernetes' documentation writes it: `0.25`, `1.5Gi`. It is rounded down. */
export function written(kind: (typeof kinds)[number], value: number): string {
    if (kind !== "memory") {
        return `${Math.floor(Math.max(0, value) * 100 + tolerance) / 100}`;
    }
    const mebibytes = Math.floor(Math.max(0, value) / 2 ** 20);
    return mebibytes < 1024 ? `${mebibytes}Mi` : `${Math.floor((mebibytes / 1024) * 10) / 10}Gi`;
}
