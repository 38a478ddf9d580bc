import type { Properties, Value } from "../provider/values";
import type { Cloud, Holding } from "./cloud";
import type { Table } from "./table";

/** Values as `check` has left them, without marks. */
export type Plain = { readonly [key: string]: Value | undefined };

/** What an output is, for the contract test. */
export type OutputKind = "text" | "whole" | "flag" | "texts" | "objects";

/** One resource type: what it is asked with (its table), what comes out, and what really happens. */
export interface Description extends Table {
    readonly type: string;
    /** Made by the cloud alone. */
    readonly outputs: Readonly<Record<string, OutputKind>>;
    /** Takes the order as the cloud's API does, or refuses it. Gives an id; nothing is there yet. */
    order(cloud: Cloud, inputs: Plain): Promise<{ id: string; outputs?: Properties; inner?: Properties }>;
    /** What the API refuses of what is set once it is there. */
    refuseSetup?(holding: Holding, inputs: Plain): void;
    /** Makes it real, or makes it again what it is: also for one that was stopped half-way. */
    provide?(cloud: Cloud, holding: Holding, inputs: Plain): Promise<void>;
    /** What an update can't be, beyond what makes another one of it. `state` is what the engine remembers of it. */
    refuseUpdate?(cloud: Cloud, holding: Holding, news: Plain, state: Plain): void;
    /** Ends it; refuses if it may not be. `kept` when the cloud silently leaves it. */
    release?(cloud: Cloud, holding: Holding): Promise<"kept" | "gone">;
}
