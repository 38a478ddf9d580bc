import * as pulumi from "@pulumi/pulumi";
import { stackName } from "../components/owner";

/** The place of the stack. A later `up` must not change it silently. */
export interface Place {
    /** The cluster's own id, which doesn't depend on the context or the kubeconfig. Undefined if the cluster couldn't be read. */
    readonly cluster?: string;
    readonly isExistingNamespace: boolean;
    readonly region?: string;
    readonly accountType?: string;
}

/** Outputs of the stack's last successful `up`. */
export interface LastUp {
    readonly namespace?: string;
    /** Older versions of the program don't output it. */
    readonly place?: Place;
}

/** The stack's own outputs from its state. They are empty if no `up` was ever complete. */
export async function lastUp(): Promise<LastUp> {
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name: ownName() });
    return (outputs ?? {}) as LastUp;
}

/** The stack's name for the backend. A self-managed backend has one organization, which its older versions don't accept in a name. */
export function ownName(): string {
    return pulumi.getOrganization() === "organization" ? pulumi.getStack() : stackName();
}
