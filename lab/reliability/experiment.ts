import type { Origin } from "./origin";
import type { Product } from "./product";

/** One counted value. It is met if it is not above its goal. */
export interface Count {
    /** The action that was measured. The report shows the rows of a group together. */
    readonly group: string;
    readonly what: string;
    readonly value: number;
    readonly goal?: number;
    /** Whether the value is a time. Tests don't check times, because the machine may be busy. */
    readonly isTime?: boolean;
}

/** One point of a plot. Each panel has a line for each side. */
export interface Point {
    readonly panel: string;
    readonly x: number;
    readonly y: number;
}

export interface Trial {
    readonly counts: Count[];
    readonly points?: Point[];
    /** Remarks for the reader of the figures. */
    readonly notes?: string[];
}

/** The subject of a trial: this program, this program without one protection, or the original manifest. */
export type Side = { readonly kind: "ours" } | { readonly kind: "without"; readonly protection: string } | { readonly kind: "origin" };

/** `short` is for `npm test`: it takes seconds instead of minutes. */
export type Form = "short" | "full";

/** The deployed programs. Each is deployed on its first use. */
export interface Stage {
    product(): Promise<Product>;
    origin(): Promise<Origin>;
}

/** The description of an experiment, for the report. */
interface Description {
    readonly name: string;
    readonly title: string;
    /** The steps of the experiment, in Markdown. */
    readonly method: string;
    /** The protections that can be removed, each with the way to do so. Without a protection, a goal must be missed. */
    readonly protections: Readonly<Record<string, string>>;
    /** The part of the original manifest that is compared. If it is missing, the origin has nothing comparable. */
    readonly origin?: string;
    /** If `y` is set, all panels share one scale. Otherwise each panel has its own, and the panel's title names its values. */
    readonly axes?: { readonly x: string; readonly y?: string; readonly logarithmic?: boolean };
}

export interface Experiment extends Description {
    readonly trial: (stage: Stage, side: Side, form: Form) => Promise<Trial>;
}

export function isMet({ value, goal }: Count): boolean {
    return goal === undefined || value <= goal;
}

export function nameOf(side: Side): string {
    return side.kind === "ours" ? "this program" : side.kind === "origin" ? "the original manifest" : `without ${side.protection}`;
}

/** A program's output as code in Markdown. */
export const asCode = (output: string) => `\`${output.replaceAll("`", "'")}\``;

/** The stored result of an experiment's last run: the figures, and the description at that time. */
export interface Result {
    readonly experiment: Description;
    readonly form: Form;
    readonly at: string;
    readonly seconds: number;
    readonly sides: { readonly side: Side; readonly trial: Trial }[];
    /** The number of successive runs, up to this one, that met all goals. A single success may be chance. */
    readonly metInARow: number;
}

export type Run = Omit<Result, "metInARow">;

/** The run's result. `last` is the previous result. */
export function resultOf(run: Run, last: Result | undefined): Result {
    return { ...run, metInARow: goalsOf(run, "ours").every(isMet) ? (last?.metInARow ?? 0) + 1 : 0 };
}

export function goalsOf({ sides }: Run, kind: Side["kind"]): Count[] {
    return sides.filter(({ side }) => side.kind === kind).flatMap(({ trial }) => trial.counts.filter(({ goal }) => goal !== undefined));
}
