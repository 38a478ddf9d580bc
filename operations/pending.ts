/** Clears the pending operations that a killed `pulumi` leaves in the state. */

interface Resource {
    readonly urn: string;
    readonly type: string;
    readonly inputs?: {
        readonly apiVersion?: string;
        readonly metadata?: {
            readonly name?: string;
            readonly namespace?: string;
            readonly annotations?: Readonly<Record<string, string>>;
        };
    };
}

interface Exported {
    readonly deployment?: {
        readonly resources?: readonly object[];
        readonly pending_operations?: readonly { readonly type: string; readonly resource: Resource }[];
    };
}

/** Runs `pulumi` with these arguments on the stack. */
type Run = (args: readonly string[], input?: string) => Promise<{ stdout: string }>;

/** The URNs of the resources that were being created. */
export async function pendingIn(pulumi: Run): Promise<readonly string[]> {
    const { deployment } = JSON.parse((await pulumi(["stack", "export"])).stdout) as Exported;
    return (deployment?.pending_operations ?? []).filter(({ type }) => type === "creating").map(({ resource }) => resource.urn);
}

/**
 * Release the lock before this call. A Kubernetes object with a fixed name needs nothing more: the next `up` applies it again, whether it
 * exists or not (components/cluster.ts). To an object that Pulumi named, the next `up` would give another name. So the state marks it
 * as the rest of a replacement, and the next `up` deletes it, whether it exists or not. Returns the URNs of all other resources: they
 * may exist, and their ids are unknown.
 */
export async function clearPending(pulumi: Run): Promise<readonly string[]> {
    const exported = JSON.parse((await pulumi(["stack", "export"])).stdout) as Exported;
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
    const { apiVersion, metadata: { name, namespace, annotations } = {} } = resource.inputs ?? {};
    if (annotations?.["pulumi.com/autonamed"] !== "true") {
        return [];
    }
    const outputs = { ...resource.inputs, __inputs: resource.inputs, __initialApiVersion: apiVersion };
    return [{ ...resource, id: namespace === undefined ? name : `${namespace}/${name}`, outputs, delete: true }];
}
