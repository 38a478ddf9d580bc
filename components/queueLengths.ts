import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";

export interface QueueLengthsArgs {
    namespace: pulumi.Input<string>;
    /** The broker's. */
    redisUrl: pulumi.Input<string>;
    /** By which its certificate is checked, in PEM; otherwise by KEDA's own authorities. */
    ca?: string;
}

/** How KEDA gets to see how many tasks wait in Redis: by a Secret of its own, as it takes no URL. */
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
            // Named by Pulumi: another password is another name, which the TriggerAuthentication then names.
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
        // A number, and no secret.
        this.databaseIndex = pulumi.unsecret(parts.databaseIndex);
        this.registerOutputs({ authentication: this.authentication, databaseIndex: this.databaseIndex });
    }
}

/** KEDA is in another namespace, where a Service's bare name leads nowhere. */
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
