import type { Table } from "../../../operations/alicloud/table";
import type { Properties, Value } from "../../machine/provider/values";
import type { Cloud, Holding } from "./cloud";

/** The inputs after `check`, without marks. */
export type Plain = { readonly [key: string]: Value | undefined };

/** The type of an output, for the contract test. */
export type OutputKind = "text" | "whole" | "flag" | "texts" | "objects";

/** One resource type: its inputs (the table), its outputs, and its behaviour. */
export interface Description extends Table {
    readonly type: string;
    /** Values that only the cloud sets. */
    readonly outputs: Readonly<Record<string, OutputKind>>;
    /** Accepts the order as the cloud's API does, and returns an id, or throws a Refusal. Nothing is created yet. */
    order(cloud: Cloud, inputs: Plain): Promise<{ id: string; outputs?: Properties; inner?: Properties }>;
    /** The code of the Refusal after which the provider itself orders again, until the cloud accepts. */
    readonly retried?: string;
    /** Throws a Refusal for inputs that the API refuses after the creation. */
    refuseSetup?(holding: Holding, inputs: Plain): void;
    /** Creates the resource, or brings an existing or interrupted one to its inputs. */
    provide?(cloud: Cloud, holding: Holding, inputs: Plain): Promise<void>;
    /** Throws a Refusal for an impossible update. Changes that replace the resource don't come here. `state` is the engine's state. */
    refuseUpdate?(cloud: Cloud, holding: Holding, news: Plain, state: Plain): void;
    /** Deletes the resource, or throws a Refusal. Returns `kept` if the cloud silently keeps the resource. */
    release?(cloud: Cloud, holding: Holding): Promise<"kept" | "gone">;
}
