import * as pulumi from "@pulumi/pulumi";
import { stackName } from "../components/owner";

/** Where the stack lives: what a later `up` must not change without a word. */
export interface Place {
    /** The cluster's own id, whatever context or kubeconfig leads there; unknown where it couldn't be asked. */
    readonly cluster?: string;
    readonly isExistingNamespace: boolean;
    readonly region?: string;
    readonly accountType?: string;
}

/** What the stack's last `up` that succeeded says. */
export interface LastUp {
    readonly namespace?: string;
    /** Versions before this one didn't say it. */
    readonly place?: Place;
}

/** The stack's own outputs, as its state has them: nothing for a stack that never had a whole `up`. */
export async function lastUp(): Promise<LastUp> {
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name: ownName() });
    return (outputs ?? {}) as LastUp;
}

/** A backend of one's own knows one organization, which older ones of them take in no name. */
function ownName(): string {
    return pulumi.getOrganization() === "organization" ? pulumi.getStack() : stackName();
}
