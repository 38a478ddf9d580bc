import { getClusterCredentialOutput } from "@pulumi/alicloud/cs/getClusterCredential";
import * as pulumi from "@pulumi/pulumi";

/** A cluster by its kubeconfig's context, or by its id in Alibaba Cloud. */
export type Cluster = { kind?: "context"; context: string; kubeconfig?: string } | { kind: "ack"; id: string };

/** How the Kubernetes provider gets in. */
export interface Access {
    context?: string;
    kubeconfig?: pulumi.Input<string>;
}

/** By default the provider asks 50 times a second, which very many objects wait for; the API server sees to itself that all get a turn. */
export const manyObjects = { qps: 500, burst: 1000 };

export function accessTo(cluster: Cluster, opts: pulumi.InvokeOutputOptions): Access {
    if (cluster.kind === "ack") {
        // Alibaba Cloud's provider doesn't say that it is a secret.
        return { kubeconfig: pulumi.secret(getClusterCredentialOutput({ clusterId: cluster.id }, opts).kubeConfig) };
    }
    return { context: cluster.context, kubeconfig: cluster.kubeconfig };
}

/** For a Service that is made when its pods are ready: the provider would wait another ten seconds, for endpoints to settle. */
export const readyBefore = { "pulumi.com/skipAwait": "true" };

/**
 * What makes each object of the cluster the same object when it is applied again, also by an `up` that follows one that was killed
 * while it made it. By default the provider thinks of a new field manager until the state knows the object: what was half made would
 * refuse the next `up`. And what somebody scaled or edited by hand is set right, where otherwise the `up` would end with a conflict.
 */
export const applyAgain: pulumi.ResourceTransformation = ({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) {
        return undefined;
    }
    const { metadata } = props;
    const annotations = { ...metadata.annotations, "pulumi.com/patchFieldManager": "sms", "pulumi.com/patchForce": "true" };
    return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
};
