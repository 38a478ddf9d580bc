import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Config } from "@pulumi/pulumi";

/** Stands for what only the update itself will know. No rule judges it at a preview; the update asks again. */
export const unknown = Symbol("unknown");

// biome-ignore lint/suspicious/noExplicitAny: inputs of any provider's resource, read by rules that expect anything.
export type Inputs = Record<string, any>;

/** A resource as the rules see it. */
export interface Resource {
    readonly type: string;
    readonly name: string;
    /** `sms:environment` of the stack that it belongs to. */
    readonly environment: string;
    /** Without marks for secrets, and with `unknown` where nothing is known yet. */
    readonly inputs: Inputs;
    /** Whether Pulumi refuses to delete it. */
    readonly protect: boolean;
}

/** A rule for each resource by itself. */
export interface ResourcePolicy {
    readonly name: string;
    readonly description: string;
    /** All that is wrong with it: what, where, and what to do. Nothing where the rule isn't about such a resource. */
    readonly faults: (resource: Resource) => string[];
}

/** A rule for a stack as a whole. */
export interface StackPolicy {
    readonly name: string;
    readonly description: string;
    readonly faults: (resources: readonly Resource[]) => string[];
}

/** Where customers are, whatever the stack is called. */
export function isOnline({ environment }: Resource): boolean {
    return environment === "online";
}

/** Kubernetes' own name of the object, which people search for; else the resource's. */
export function objectName({ name, inputs }: Resource): string {
    const given = inputs.metadata?.name;
    return typeof given === "string" ? given : name;
}

export function enforced({ name, description, faults }: ResourcePolicy): ResourceValidationPolicy {
    return {
        name,
        description,
        validateResource: (args, reportViolation) => {
            for (const fault of faults(resourceOf(args))) {
                reportViolation(fault);
            }
        },
    };
}

export function enforcedOnStack({ name, description, faults }: StackPolicy): StackValidationPolicy {
    return {
        name,
        description,
        validateStack: ({ resources }, reportViolation) => {
            for (const fault of faults(resources.map(resourceOf))) {
                reportViolation(fault);
            }
        },
    };
}

type Asked = Pick<Resource, "type" | "name"> & { props: Inputs; opts: { protect: boolean } };

function resourceOf({ type, name, props, opts: { protect } }: Asked): Resource {
    return { type, name, environment: environment(), inputs: known(props) as Inputs, protect };
}

/** The engine hands the stack's settings to the pack as it does to the program. A stack that doesn't say is judged most strictly. */
function environment(): string {
    return new Config("sms").get("environment") ?? "online";
}

/** A copy without the SDK's traps: reading an unknown property of the original throws, and ends the whole policy. */
function known(value: unknown): unknown {
    if (typeof value !== "object" || value === null) {
        return value;
    }
    const entries = Object.keys(value).map((key) => [key, valueAt(value as Inputs, key)] as const);
    return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function valueAt(object: Inputs, key: string): unknown {
    try {
        return known(object[key]);
    } catch (error) {
        if (Object.hasOwn(error as object, "unknownTypeSentinel")) {
            return unknown;
        }
        throw error;
    }
}
