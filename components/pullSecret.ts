import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Account, Registry } from "./registry";

export interface PullSecretArgs {
    namespace: pulumi.Input<string>;
    registry: Pick<Registry, "push" | "pull">;
    account: Account;
}

/** The Secret `pull-secret`, with which the nodes pull from the private registry. Every pod names it. */
export class PullSecret extends pulumi.ComponentResource {
    /** The Secret's name. Resources that use it wait until the Secret exists. */
    readonly name: pulumi.Output<string>;

    constructor(name: string, args: PullSecretArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:pullSecret:PullSecret", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                metadata: { name: "pull-secret", namespace: args.namespace },
                type: "kubernetes.io/dockerconfigjson",
                stringData: {
                    ".dockerconfigjson": pulumi.output(args.account.password).apply((password) => dockerConfig(args, password)),
                },
            },
            { parent: this },
        );

        this.name = secret.metadata.name;
        this.registerOutputs({ name: this.name });
    }
}

/** The login for both hosts, because an image may name either host. */
function dockerConfig({ registry: { push, pull }, account: { username } }: PullSecretArgs, password: string) {
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    return JSON.stringify({ auths: Object.fromEntries([pull, push].map((host) => [host, { username, password, auth }])) });
}
