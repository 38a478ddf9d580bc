import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";

export interface SecretEnvArgs {
    namespace: pulumi.Input<string>;
    redisUrl: pulumi.Input<string>;
    mongoUrl: pulumi.Input<string>;
    /** The hashes of each client's tokens. */
    clientTokens: pulumi.Input<Record<string, string[]>>;
    /** More secret variables, such as the SMS gateway's keys. */
    more: pulumi.Input<Record<string, string>>;
}

/** The secret environment variables of every pod of the product. */
export class SecretEnv extends pulumi.ComponentResource {
    /** The Secret's name. It changes with the content, so that a new value creates new pods. */
    readonly name: pulumi.Output<string>;

    constructor(name: string, args: SecretEnvArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:secretEnv:SecretEnv", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                // Pulumi generates the name. The old Secret stays until no pod needs it any more.
                metadata: { namespace: args.namespace },
                immutable: true,
                stringData: pulumi.secret(
                    pulumi
                        .all([args.more, args.redisUrl, args.mongoUrl, args.clientTokens])
                        .apply(([more, redisUrl, mongoUrl, tokens]) => ({
                            ...more,
                            REDIS_URL: redisUrl,
                            MONGO_URL: mongoUrl,
                            CLIENT_TOKENS: JSON.stringify(tokens),
                        })),
                ),
            },
            { parent: this },
        );

        this.name = secret.metadata.name;
        this.registerOutputs({ name: this.name });
    }
}
