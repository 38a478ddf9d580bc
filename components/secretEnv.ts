import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";

export interface SecretEnvArgs {
    namespace: pulumi.Input<string>;
    redisUrl: pulumi.Input<string>;
    mongoUrl: pulumi.Input<string>;
    /** More secret variables, such as the SMS gateway's keys. */
    more: pulumi.Input<Record<string, string>>;
}

/** The environment variables that are secrets, for every pod of the product. */
export class SecretEnv extends pulumi.ComponentResource {
    /** The Secret's name: another one for other contents, so that pods with a new value are new pods. */
    readonly name: pulumi.Output<string>;

    constructor(name: string, args: SecretEnvArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:secretEnv:SecretEnv", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                // Named by Pulumi: the old Secret stays until no pod needs it any more.
                metadata: { namespace: args.namespace },
                immutable: true,
                stringData: pulumi.secret(
                    pulumi.all([args.more, args.redisUrl, args.mongoUrl]).apply(([more, redisUrl, mongoUrl]) => ({
                        ...more,
                        REDIS_URL: redisUrl,
                        MONGO_URL: mongoUrl,
                    })),
                ),
            },
            { parent: this },
        );

        this.name = secret.metadata.name;
        this.registerOutputs({ name: this.name });
    }
}
