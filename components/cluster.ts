import { getClusterCredentialOutput } from "@pulumi/alicloud/cs/getClusterCredential";
import * as pulumi from "@pulumi/pulumi";

/** A cluster by its kubeconfig's context, or by its id in Alibaba Cloud. */
export type Cluster = { kind?: "context"; context: string; kubeconfig?: string } | { kind: "ack"; id: string };

/** How the Kubernetes provider gets in. */
export interface Access {
    context?: string;
    kubeconfig?: pulumi.Input<string>;
}

export function accessTo(cluster: Cluster, opts: pulumi.InvokeOutputOptions): Access {
    if (cluster.kind === "ack") {
        // Alibaba Cloud's provider doesn't say that it is a secret.
        return { kubeconfig: pulumi.secret(getClusterCredentialOutput({ clusterId: cluster.id }, opts).kubeConfig) };
    }
    return { context: cluster.context, kubeconfig: cluster.kubeconfig };
}

/**
 * Every object of the cluster is applied under one name. By default the provider makes a name for each object anew until the state knows
 * the object: one whose making was cut off would be owned under a name that nobody knows, and refuse the next `up`.
 */
export const underOneName: pulumi.ResourceTransformation = ({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) {
        return undefined;
    }
    const { metadata } = props;
    const annotations = { ...metadata?.annotations, "pulumi.com/patchFieldManager": "sms" };
    return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
};
