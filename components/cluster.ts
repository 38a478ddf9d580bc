import { getClusterCredential } from "@pulumi/alicloud/cs/getClusterCredential";
import * as pulumi from "@pulumi/pulumi";

/** A cluster by its kubeconfig's context, or by its id in Alibaba Cloud. */
export type Cluster = { kind?: "context"; context: string; kubeconfig?: string } | { kind: "ack"; id: string };

/** The way into a cluster: a context by its name, in files as kubectl finds them; or a kubeconfig's content. */
export type Access = { context: string; kubeconfig?: string } | { content: string };

/** By default the provider asks 50 times a second, which very many objects wait for; the API server sees to itself that all get a turn. */
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

/** The provider's own words are about its inside; what can be mended comes first. */
function noKubeconfig(id: string, reason: string): string {
    return [
        `Alibaba Cloud gives no kubeconfig for the ACK cluster ${id} (sms:cluster.id). Needed are:`,
        "  a way to cs.<region>.aliyuncs.com, the region being that of sms:alibaba.region",
        "  keys in ALICLOUD_ACCESS_KEY and ALICLOUD_SECRET_KEY, with a role's also ALICLOUD_SECURITY_TOKEN",
        "  the rights cs:DescribeClusterDetail and cs:DescribeClusterUserKubeconfig on the cluster (docs/ram/up.json)",
        "Without them a cluster is reached by a kubeconfig's context: sms:cluster.context instead of kind and id.",
        `It said: ${reason}`,
    ].join("\n");
}

/** The same for the Kubernetes provider. Alibaba Cloud's provider doesn't say that a kubeconfig is a secret. */
export function providerAccess(access: Access): { context?: string; kubeconfig?: pulumi.Input<string> } {
    return "content" in access ? { kubeconfig: pulumi.secret(access.content) } : access;
}

/** For a Service that is made when its pods are ready: the provider would wait another ten seconds, for endpoints to settle. */
export const readyBefore = { "pulumi.com/skipAwait": "true" };

/** Annotations on every object of a cluster. */
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
 * What makes each object of the cluster the same object when it is applied again, also by an `up` that follows one that was killed
 * while it made it. By default the provider thinks of a new field manager until the state knows the object: what was half made would
 * refuse the next `up`. And what somebody scaled or edited by hand is set right, where otherwise the `up` would end with a conflict.
 */
export const applyAgain = annotated({ "pulumi.com/patchFieldManager": "sms", "pulumi.com/patchForce": "true" });
