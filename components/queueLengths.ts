import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";

export interface QueueLengthsArgs {
    namespace: pulumi.Input<string>;
    /** The broker's URL. */
    redisUrl: pulumi.Input<string>;
    /** The CA for the broker's certificate, in PEM. The default is KEDA's own CAs. */
    ca?: string;
}

/** KEDA's access to the number of waiting tasks in Redis. It needs its own Secret, because KEDA accepts no URL. */
export class QueueLengths extends pulumi.ComponentResource {
    /** The TriggerAuthentication's name. */
    readonly authentication: pulumi.Output<string>;
    readonly databaseIndex: pulumi.Output<string>;

    constructor(name: string, { namespace, redisUrl, ca }: QueueLengthsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:queueLengths:QueueLengths", name, {}, opts);

        const parts = pulumi.secret(pulumi.all([redisUrl, namespace])).apply(([url, namespace]) => redisParts(url, namespace));
        const authority: Record<string, string> = ca === undefined ? {} : { ca };
        const secret = new Secret(
            `${name}-secret`,
            // Pulumi generates the name, so a changed password gets a new name, and the TriggerAuthentication changes too.
            {
                metadata: { namespace },
                immutable: true,
                stringData: parts.apply(({ databaseIndex, ...access }) => ({ ...access, ...authority })),
            },
            { parent: this },
        );
        const authentication = new CustomResource(
            `${name}-authentication`,
            {
                apiVersion: "keda.sh/v1alpha1",
                kind: "TriggerAuthentication",
                metadata: { name: "sms-redis", namespace },
                spec: {
                    secretTargetRef: ["address", "username", "password", "tls", ...Object.keys(authority)].map((parameter) => ({
                        parameter,
                        name: secret.metadata.name,
                        key: parameter,
                    })),
                },
            },
            { parent: this },
        );

        this.authentication = authentication.metadata.name;
        // The index isn't secret.
        this.databaseIndex = pulumi.unsecret(parts.databaseIndex);
        this.registerOutputs({ authentication: this.authentication, databaseIndex: this.databaseIndex });
    }
}

/** KEDA runs in another namespace, where a Service's short name doesn't resolve. */
const asKnownElsewhere = (host: string, namespace: string) => (host.includes(".") ? host : `${host}.${namespace}.svc`);

function redisParts(url: string, namespace: string) {
    const { protocol, hostname, port, username, password, pathname } = new URL(url);
    return {
        address: `${asKnownElsewhere(hostname, namespace)}:${port || 6379}`,
        username: decodeURIComponent(username),
        password: decodeURIComponent(password),
        tls: protocol === "rediss:" ? "enable" : "disable",
        databaseIndex: pathname.slice(1) || "0",
    };
}
