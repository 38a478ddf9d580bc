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
