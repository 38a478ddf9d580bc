/** What is measured, beside what, and what for. */
import type { Stage } from "../prove/experiment";

export interface Amount {
    /** In `unit`; with a spread where it was measured more than once. */
    readonly value: number;
    readonly least?: number;
    readonly most?: number;
}

/** One comparison of a row. */
export interface Figure {
    readonly what: string;
    readonly unit: string;
    readonly ours: Amount;
    readonly peer: Amount;
    /** What the ratio of ours to the peer's should be, or ours by itself; none where the figure is only shown. */
    readonly goal?: { readonly atMost: number } | { readonly atLeast: number } | { readonly oursAtMost: number };
}

/** What a whole is made of. */
export interface Part {
    readonly what: string;
    readonly value: number;
    readonly unit: string;
}

export interface Result {
    readonly figures: readonly Figure[];
    readonly parts: readonly Part[];
    /** What stops a goal that isn't met, measured; and what else has to be known to read the figures. */
    readonly remarks: readonly string[];
}

export interface Row {
    readonly name: string;
    readonly title: string;
    readonly peer: string;
    /** Whether it needs the machine's cluster, with the product up. */
    readonly onMachine: boolean;
    /** Not without being asked for by its name: it takes the machine down, or very long. */
    readonly onlyByName?: boolean;
    measure(stage: Stage): Promise<Result>;
}

export function ratio({ ours, peer }: Figure): number {
    return ours.value / peer.value;
}

export function isMet(figure: Figure): boolean | undefined {
    const { goal } = figure;
    if (goal === undefined) {
        return undefined;
    }
    if ("oursAtMost" in goal) {
        return figure.ours.value <= goal.oursAtMost;
    }
    return "atMost" in goal ? ratio(figure) <= goal.atMost : ratio(figure) >= goal.atLeast;
}

export function amount({ median, least, most }: { median: number; least: number; most: number }): Amount {
    return { value: median, least, most };
}
