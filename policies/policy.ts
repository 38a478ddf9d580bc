import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { Config } from "@pulumi/pulumi";
import { isProduction } from "../settings/production";

/** A value that only the update itself will know. The rules skip it at a preview, and the update checks it again. */
export const unknown = Symbol("unknown");

// biome-ignore lint/suspicious/noExplicitAny: inputs of any provider's resource, read by rules that expect anything.
export type Inputs = Record<string, any>;

/** A resource as the rules see it. */
export interface Resource {
    readonly type: string;
    readonly name: string;
    /** Whether customers use the resource's stack, whatever the stack's name is. */
    readonly isProduction: boolean;
    /** The inputs without the marks of secrets. A value that isn't known yet is `unknown`. */
    readonly inputs: Inputs;
    /** Whether Pulumi refuses to delete it. */
    readonly protect: boolean;
}

/** A rule that looks at one resource at a time. */
export interface ResourcePolicy {
    readonly name: string;
    readonly description: string;
    /** All faults of the resource: what, where, and what to do. It is empty if the rule isn't about such a resource. */
    readonly faults: (resource: Resource) => string[];
}

/** A rule that looks at a stack as a whole. */
export interface StackPolicy {
    readonly name: string;
    readonly description: string;
    readonly faults: (resources: readonly Resource[]) => string[];
}

/** The object's name in Kubernetes, which people search for. If it has none, the resource's name. */
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
    return { type, name, isProduction: stackIsProduction(), inputs: known(props) as Inputs, protect };
}

/** The engine passes the stack's settings to the pack, as it does to the program. Any value except false counts as true. */
function stackIsProduction(): boolean {
    const config = new Config("sms");
    const production = config.get("production");
    return isProduction({
        environment: config.get("environment"),
        production: production === undefined ? undefined : production !== "false",
    });
}

/** A copy without the SDK's proxies. If a rule read an unknown property of the original, it would throw and end the whole policy. */
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
