import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Registry } from "./registry";

export interface PullSecretArgs {
    namespace: pulumi.Input<string>;
    registry: Omit<Registry, "repository">;
}

/** What the nodes need to pull from the private registry: `pull-secret`, as every pod names it. */
export class PullSecret extends pulumi.ComponentResource {
    /** The Secret's name; whoever uses it waits until it is there. */
    readonly name: pulumi.Output<string>;

    constructor(name: string, args: PullSecretArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:pullSecret:PullSecret", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                metadata: { name: "pull-secret", namespace: args.namespace },
                type: "kubernetes.io/dockerconfigjson",
                stringData: {
                    ".dockerconfigjson": pulumi.output(args.registry.password).apply((password) => dockerConfig(args.registry, password)),
                },
            },
            { parent: this },
        );

        this.name = secret.metadata.name;
        this.registerOutputs({ name: this.name });
    }
}

/** For both hosts: an image may be named by either. */
function dockerConfig({ push, pull, username }: PullSecretArgs["registry"], password: string) {
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    return JSON.stringify({ auths: Object.fromEntries([pull, push].map((host) => [host, { username, password, auth }])) });
}
