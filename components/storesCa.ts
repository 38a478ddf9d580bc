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

/** By which the pods check the stores' certificates. */
export class StoresCa extends pulumi.ComponentResource {
    /** Where a pod that has the volume finds them. */
    readonly file = `${folder}/${key}`;
    readonly volume: Volume;

    constructor(name: string, { namespace, pem }: StoresCaArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:storesCa:StoresCa", name, {}, opts);

        const config = new ConfigMap(
            `${name}-config`,
            // Named by Pulumi: another chain is another name, and so other pods.
            { metadata: { namespace }, immutable: true, data: { [key]: pem } },
            { parent: this },
        );

        this.volume = { name: "stores-ca", mountPath: folder, readOnly: true, configMap: { name: config.metadata.name } };
        this.registerOutputs();
    }
}
