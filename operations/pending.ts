/** Clears the pending operations that a killed `pulumi` leaves in the state. */

import { type OnStack, type Resource, stateOf } from "./state";

interface KubernetesInputs {
    readonly apiVersion?: string;
    readonly metadata?: {
        readonly name?: string;
        readonly namespace?: string;
        readonly annotations?: Readonly<Record<string, string>>;
    };
}

/** The URNs of the resources that were being created. */
export async function pendingIn(pulumi: OnStack): Promise<readonly string[]> {
    const { deployment } = await stateOf(pulumi);
    return (deployment?.pending_operations ?? []).filter(({ type }) => type === "creating").map(({ resource }) => resource.urn);
}

/**
 * Release the lock before this call. A Kubernetes object with a fixed name needs nothing more: the next `up` applies it again, whether it
 * exists or not (components/cluster.ts). To an object that Pulumi named, the next `up` would give another name. So the state marks it
 * as the rest of a replacement, and the next `up` deletes it, whether it exists or not. Returns the URNs of all other resources: they
 * may exist, and their ids are unknown.
 */
export async function clearPending(pulumi: OnStack): Promise<readonly string[]> {
    const exported = await stateOf(pulumi);
    const { resources = [], pending_operations: pending = [] } = exported.deployment ?? {};
    const made = pending.filter(({ type }) => type === "creating").map(({ resource }) => resource);
    if (made.length === 0) {
        return [];
    }
    const deployment = {
        ...exported.deployment,
        resources: [...resources, ...made.flatMap(leftOver)],
        pending_operations: pending.filter(({ type }) => type !== "creating"),
    };
    await pulumi(["stack", "import"], JSON.stringify({ ...exported, deployment }));
    return made.filter(({ type }) => !type.startsWith("kubernetes:")).map(({ urn }) => urn);
}

function leftOver(resource: Resource): object[] {
    const { apiVersion, metadata: { name, namespace, annotations } = {} }: KubernetesInputs = resource.inputs ?? {};
    if (annotations?.["pulumi.com/autonamed"] !== "true") {
        return [];
    }
    const outputs = { ...resource.inputs, __inputs: resource.inputs, __initialApiVersion: apiVersion };
    return [{ ...resource, id: namespace === undefined ? name : `${namespace}/${name}`, outputs, delete: true }];
}
