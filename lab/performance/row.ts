/** The types of a measured row: its figures, its peer and its goals. */
import type { Stage } from "../reliability/experiment";

export interface Amount {
    /** The value in `unit`. `least` and `most` are set if it was measured more than once. */
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
    /** Set if the figure is compared with something else than the row's peer. */
    readonly comparedWith?: string;
    /** The goal for the ratio of our value to the peer's, or for our value alone. If it is missing, the figure is only shown. */
    readonly goal?: { readonly atMost: number } | { readonly atLeast: number } | { readonly oursAtMost: number };
}

/** One part of a total. */
export interface Part {
    readonly what: string;
    readonly value: number;
    readonly unit: string;
}

export interface Result {
    readonly figures: readonly Figure[];
    readonly parts: readonly Part[];
    /** Measured reasons why a goal is not met, and other notes that explain the figures. */
    readonly remarks: readonly string[];
}

export interface Row {
    readonly name: string;
    readonly title: string;
    readonly peer: string;
    /** Whether it needs the machine's cluster with the running product. */
    readonly onMachine: boolean;
    /** Whether it runs only if `--only` names it, because it stops the machine or takes very long. */
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
