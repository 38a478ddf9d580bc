import { getClusterCredential } from "@pulumi/alicloud/cs/getClusterCredential";
import * as pulumi from "@pulumi/pulumi";

/** A cluster: a context in a kubeconfig, or an id in Alibaba Cloud (ACK). */
export type Cluster = { kind?: "context"; context: string; kubeconfig?: string } | { kind: "ack"; id: string };

/** The access to a cluster: a context's name in the files that kubectl would read, or a kubeconfig's content. */
export type Access = { context: string; kubeconfig?: string } | { content: string };

/**
 * The provider's default is 50 requests a second, which delays a stack with many objects. The API server itself shares its capacity fairly.
 */
export const manyObjects = { qps: 500, burst: 1000 };

export async function accessTo(cluster: Cluster, opts: pulumi.InvokeOptions): Promise<Access> {
    if (cluster.kind === "ack") {
        const { kubeConfig } = await getClusterCredential({ clusterId: cluster.id }, opts).catch((error: Error) => {
            throw new pulumi.RunError(noKubeconfig(cluster.id, error.message));
        });
        return { content: kubeConfig };
    }
    return { context: cluster.context, kubeconfig: cluster.kubeconfig };
}

/** The provider's message describes its internals. So the causes that the operator can repair come first. */
function noKubeconfig(id: string, reason: string): string {
    return [
        `Alibaba Cloud gives no kubeconfig for the ACK cluster ${id} (sms:cluster.id). The program needs:`,
        "  a connection to cs.<region>.aliyuncs.com, with the region in sms:alibaba.region",
        "  keys in ALICLOUD_ACCESS_KEY and ALICLOUD_SECRET_KEY, and for a role's keys also ALICLOUD_SECURITY_TOKEN",
        "  the rights cs:DescribeClusterDetail and cs:DescribeClusterUserKubeconfig on the cluster (docs/ram/up.json)",
        "Without them, use a kubeconfig's context: set sms:cluster.context instead of kind and id.",
        `Its answer: ${reason}`,
    ].join("\n");
}

/** The access as arguments of the Kubernetes provider. Alibaba Cloud's provider doesn't mark a kubeconfig as secret. */
export function providerAccess(access: Access): { context?: string; kubeconfig?: pulumi.Input<string> } {
    return "content" in access ? { kubeconfig: pulumi.secret(access.content) } : access;
}

/**
 * For a Service that is created after its pods are ready. Otherwise the provider would wait ten more seconds for the endpoints to settle.
 */
export const readyBefore = { "pulumi.com/skipAwait": "true" };

/** The annotation with the field manager under which an object is applied. */
export const managerKey = "pulumi.com/patchFieldManager";
const forceKey = "pulumi.com/patchForce";

/** For `ignoreChanges`: the object is always applied with the same field manager as at its creation. */
export const appliedAsBefore = [managerKey, forceKey].map((key) => `metadata.annotations["${key}"]`);

/** Adds annotations to every Kubernetes object. */
export function annotated(more: Record<string, string>): pulumi.ResourceTransformation {
    return ({ type, props, opts }) => {
        if (!type.startsWith("kubernetes:")) {
            return undefined;
        }
        const { metadata } = props;
        return { props: { ...props, metadata: { ...metadata, annotations: { ...metadata?.annotations, ...more } } }, opts };
    };
}

/**
 * Lets an `up` apply an object again that an earlier, killed `up` created. By default the provider generates a new field manager until the
 * state has the object, so the half-made object would refuse the next `up`. The transformation also reverts fields that somebody scaled or
 * edited by hand. Without it such an edit would end the `up` with a conflict.
 */
export const applyAgain = appliedBy("sms", { force: true });

/** Sets the field manager. With `force` it takes over fields that belong to another manager. */
export function appliedBy(manager: string, { force }: { force: boolean }): pulumi.ResourceTransformation {
    return annotated({ [managerKey]: manager, [forceKey]: String(force) });
}
