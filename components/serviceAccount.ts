import { ServiceAccount as KubernetesServiceAccount } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { type Identity, podIdentity } from "./podTemplate";

export interface ServiceAccountArgs {
    namespace: pulumi.Input<string>;
    /** A RAM role of the Alibaba Cloud account. Its trust policy names the ServiceAccount. */
    ramRole?: string;
}

/**
 * The identity of the app's pods in the cluster and, through RRSA, in Alibaba Cloud. It gives them no access to the cluster's API server.
 */
export class ServiceAccount extends pulumi.ComponentResource implements Identity {
    /** The ServiceAccount's name. Resources that use it wait until the ServiceAccount exists. */
    readonly name: pulumi.Output<string>;
    readonly ramRole?: string;

    constructor(name: string, args: ServiceAccountArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:serviceAccount:ServiceAccount", name, {}, opts);

        const { namespace, ramRole } = args;
        const annotations = ramRole === undefined ? {} : { annotations: { [`${podIdentity}/role-name`]: ramRole } };
        const account = new KubernetesServiceAccount(
            `${name}-account`,
            { metadata: { name: "sms", namespace, ...annotations }, automountServiceAccountToken: false },
            { parent: this },
        );

        this.name = account.metadata.name;
        this.ramRole = ramRole;
        this.registerOutputs({ name: this.name });
    }
}
