import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Volume } from "./podTemplate";

export interface StoresCaArgs {
    namespace: pulumi.Input<string>;
    /** Certificates in PEM, one after the other. */
    pem: string;
}

const folder = "/etc/sms/stores-ca";
const key = "ca.pem";

/** The CA certificates with which the pods check the stores' certificates. */
export class StoresCa extends pulumi.ComponentResource {
    /** The path of the certificates in a pod that mounts the volume. */
    readonly file = `${folder}/${key}`;
    readonly volume: Volume;

    constructor(name: string, { namespace, pem }: StoresCaArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:storesCa:StoresCa", name, {}, opts);

        const config = new ConfigMap(
            `${name}-config`,
            // Pulumi generates the name, so a changed chain gets a new name and new pods.
            { metadata: { namespace }, immutable: true, data: { [key]: pem } },
            { parent: this },
        );

        this.volume = { name: "stores-ca", mountPath: folder, readOnly: true, configMap: { name: config.metadata.name } };
        this.registerOutputs();
    }
}
