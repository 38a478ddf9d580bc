import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { annotated } from "./cluster";

/** A stack, as it marks what it makes in a cluster. */
export interface Owner {
    /** `organization/project/stack`, for people. */
    readonly name: string;
    /** Made once and kept in the stack's state: it tells stacks of one name in two backends apart. */
    readonly id: string;
}

export interface ThisStack extends Owner {
    /** The id in the state. What depends on it is deleted before it. */
    readonly record: pulumi.Resource;
}

/** The annotations on every object of a stack's. */
export const marks = { name: "sms/stack", id: "sms/stack-id" } as const;

/**
 * The stack that runs this program. Its id is in the state before anything is in a cluster: so an `up` knows again what one that was
 * killed has made.
 */
export async function thisStack(): Promise<ThisStack> {
    const record = new pulumi.Stash("owner", { input: randomUUID() }, { ignoreChanges: ["input"] });
    return { name: stackName(), id: await new Promise<string>((known) => record.output.apply(known)), record };
}

export function stackName(): string {
    return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** Marks an object as the owner's. */
export function ownedBy({ name, id }: Owner): pulumi.ResourceTransformation {
    return annotated({ [marks.name]: name, [marks.id]: id });
}
