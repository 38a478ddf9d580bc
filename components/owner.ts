import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { annotated, appliedAsBefore, appliedBy } from "./cluster";

/** A stack's name and id, with which it marks its objects in a cluster. */
export interface Owner {
    /** `organization/project/stack`, for people. */
    readonly name: string;
    /** Generated once and kept in the stack's state. It distinguishes stacks of the same name in two backends. */
    readonly id: string;
}

export interface ThisStack extends Owner {
    /** The state had no id. It may still have resources from a version before ids. */
    readonly isNew: boolean;
    /** The resource with the id in the state. Resources that depend on it are deleted before it. */
    readonly record: pulumi.Resource;
}

/** The annotations on every object of a stack. */
export const marks = { name: "sms/stack", id: "sms/stack-id" } as const;

/**
 * The stack that runs this program. Its id is in the state before any object is in a cluster. So an `up` recognizes the objects of an
 * earlier `up` that was killed.
 */
export async function thisStack(): Promise<ThisStack> {
    const made = randomUUID();
    const record = new pulumi.Stash("owner", { input: made }, { ignoreChanges: ["input"] });
    const id = await new Promise<string>((known) => record.output.apply(known));
    return { name: stackName(), id, isNew: id === made, record };
}

export function stackName(): string {
    return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}

/**
 * For the object by which a stack claims its place. If two stacks both find the place free, the API server accepts only one of them. The
 * other stack gets a conflict of two field managers. If the object already belongs to this stack, its fields are taken over.
 */
export function takenBy(owner: Owner, { wasThere }: { wasThere: boolean }): pulumi.CustomResourceOptions {
    return {
        transformations: [appliedBy(`sms-${owner.id}`, { force: wasThere }), ownedBy(owner)],
        ignoreChanges: appliedAsBefore,
    };
}

/** Marks an object as the owner's. */
export function ownedBy({ name, id }: Owner): pulumi.ResourceTransformation {
    return annotated({ [marks.name]: name, [marks.id]: id });
}
