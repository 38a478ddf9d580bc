import type { Origin } from "./origin";
import type { Product } from "./product";

/** Something that was counted. It is met when it is no more than its goal. */
export interface Count {
    /** Rows of one group stand together: what was done. */
    readonly group: string;
    readonly what: string;
    readonly value: number;
    readonly goal?: number;
    /** Of times a test asserts nothing: the machine may be busy with something else. */
    readonly isTime?: boolean;
}

/** What is drawn: in each panel a line for each side. */
export interface Point {
    readonly panel: string;
    readonly x: number;
    readonly y: number;
}

export interface Trial {
    readonly counts: Count[];
    readonly points?: Point[];
    /** What a reader of the figures has to know. */
    readonly notes?: string[];
}

/** What a trial is made with: this program, this program with a protection taken out, or the origin's manifest. */
export type Side = { readonly kind: "ours" } | { readonly kind: "without"; readonly protection: string } | { readonly kind: "origin" };

/** `short` is for `npm test`: seconds in the place of minutes. */
export type Form = "short" | "full";

/** What is deployed, when somebody first asks for it. */
export interface Stage {
    product(): Promise<Product>;
    origin(): Promise<Origin>;
}

/** An experiment in words, for the report. */
export interface Description {
    readonly name: string;
    readonly title: string;
    /** What is done. */
    readonly method: string;
    /** What can be taken out, and how; each must break a goal. */
    readonly protections: Readonly<Record<string, string>>;
    /** What of the origin's stands beside it. Without it the origin has nothing to compare with. */
    readonly origin?: string;
    /** Without `y`, which all panels share, each has a scale of its own, and its title says of what. */
    readonly axes?: { readonly x: string; readonly y?: string; readonly logarithmic?: boolean };
}

export interface Experiment extends Description {
    readonly trial: (stage: Stage, side: Side, form: Form) => Promise<Trial>;
}

export function isMet({ value, goal }: Count): boolean {
    return goal === undefined || value <= goal;
}

export function nameOf(side: Side): string {
    return side.kind === "ours" ? "this program" : side.kind === "origin" ? "the origin's manifest" : `without ${side.protection}`;
}

/** What is kept of an experiment's last run: the figures, and what was done for them then. */
export interface Result {
    readonly experiment: Description;
    readonly form: Form;
    readonly at: string;
    readonly seconds: number;
    readonly sides: { readonly side: Side; readonly trial: Trial }[];
    /** How many runs met all goals, one after the other, up to this one: once may be luck. */
    readonly metInARow: number;
}

export type Run = Omit<Result, "metInARow">;

/** The run's result, where `last` was the one before. */
export function resultOf(run: Run, last: Result | undefined): Result {
    return { ...run, metInARow: goalsOf(run, "ours").every(isMet) ? (last?.metInARow ?? 0) + 1 : 0 };
}

export function goalsOf({ sides }: Run, kind: Side["kind"]): Count[] {
    return sides.filter(({ side }) => side.kind === kind).flatMap(({ trial }) => trial.counts.filter(({ goal }) => goal !== undefined));
}
