/**
 * Obstacles for stores that an `up` created but didn't finish. The alicloud provider leaves almost none of their properties in the state,
 * and the engine plans against the state. It would replace a MongoDB, and send a Redis all properties that it already has
 * (docs/decisions/0042-operations-half-made.md).
 */
import * as pulumi from "@pulumi/pulumi";
import type { ThisStack } from "../components/owner";
import type { Settings } from "../settings";
import { Commands } from "../settings/problems";
import { ownName } from "./lastUp";
import type { Obstacle } from "./problems";

/** The stack's resources in the state, by URN. */
export type Resources = Readonly<Record<string, { readonly type: string; readonly outputs: Readonly<Record<string, unknown>> }>>;

/** For each kind of store, an output that the state has only if the store is finished. */
const finished: Readonly<Record<string, string>> = {
    "alicloud:mongodb/instance:Instance": "dbInstanceClass",
    "alicloud:kvstore/instance:Instance": "instanceClass",
};

export function halfMadeObstacles(stack: string, resources: Resources): Obstacle[] {
    const halfMade = Object.entries(resources).filter(([, { type, outputs }]) => type in finished && !outputs[finished[type] as string]);
    return halfMade.map(([urn]) => ({
        message: `${urn.split("::").at(-1)} was made in the cloud and not finished, and the state has almost none of its properties: this \`up\` would replace it or be refused`,
        fix: `${new Commands(stack).refresh(urn)}, then run the same command again (npm run deploy does both)`,
    }));
}

/**
 * The resources in the state of a stack with a managed store. A new stack may have no snapshot, which the engine of 3.215 would
 * dereference.
 */
export async function resourcesOf({ redis, mongo }: Settings, { isNew }: Pick<ThisStack, "isNew">): Promise<Resources> {
    if (isNew || ![redis.kind, mongo.kind].includes("managed")) {
        return {};
    }
    const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName: ownName() });
    return outputs as Resources;
}
