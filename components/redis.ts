import { createHash } from "node:crypto";
import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { persistentPod } from "./persistentPod";
import { type Placement, podTemplate, type Resources } from "./podTemplate";

/** The broker in the cluster, on Alibaba Cloud or elsewhere, with everything that the workloads need to know. */
export interface Redis {
    /** `redis://` or `rediss://` URL with account and password; a secret. */
    readonly url: pulumi.Output<string>;
    /** The store's id in Alibaba Cloud. Only a managed store has one. */
    readonly id?: pulumi.Output<string>;
}

export interface ClusterRedisArgs {
    namespace: pulumi.Input<string>;
    /** An image like Docker Hub's `redis`, with `redis-server` and `redis-cli` on its PATH. */
    image: string;
    pullSecret?: pulumi.Input<string>;
    storage: string;
    /** The default is the cluster's default class. */
    storageClass?: string;
    resources: Resources;
    placement?: Placement;
    /** Stops Pulumi from deleting or replacing the store and its data. */
    protect: boolean;
    password: pulumi.Output<string>;
}

export const port = 6379;
const account = "sms";

/** Redis in the cluster: one pod with its own volume. */
export class ClusterRedis extends pulumi.ComponentResource implements Redis {
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ClusterRedisArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:redis:Cluster", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                // Pulumi generates the name, so a changed password gets a new name and a new pod.
                metadata: { namespace: args.namespace },
                immutable: true,
                stringData: { password: args.password, "redis.conf": args.password.apply(redisConfig) },
            },
            { parent: this },
        );
        const host = persistentPod(
            name,
            { ...args, name: "redis", port, template: redisPod(args, secret.metadata.name) },
            { parent: this },
        );

        this.url = redisUrl(host, args.password);
        this.registerOutputs({ url: this.url });
    }
}

function redisPod(args: ClusterRedisArgs, secret: pulumi.Input<string>) {
    return podTemplate({
        name: "redis",
        gracePeriodSeconds: 60,
        pullSecret: args.pullSecret,
        placement: args.placement,
        container: {
            image: args.image,
            command: ["redis-server", "/etc/redis/redis.conf"],
            // For redis-cli, because the process list would show an argument.
            env: [{ name: "REDISCLI_AUTH", valueFrom: { secretKeyRef: { name: secret, key: "password" } } }],
            ports: [{ containerPort: port }],
            resources: args.resources,
            readinessProbe: {
                exec: { command: ["sh", "-c", `test "$(redis-cli --user ${account} ping)" = PONG`] },
                periodSeconds: 5,
                timeoutSeconds: 5,
            },
            livenessProbe: { tcpSocket: { port }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
        },
        volumes: [
            { name: "data", mountPath: "/data" },
            { name: "tmp", mountPath: "/tmp", emptyDir: { sizeLimit: "64Mi" } },
            {
                name: "config",
                mountPath: "/etc/redis",
                readOnly: true,
                secret: { secretName: secret, items: [{ key: "redis.conf", path: "redis.conf" }], defaultMode: 0o440 },
            },
        ],
    });
}

/** One account for the product, with its password as a hash. There is no other account. */
function redisConfig(password: string) {
    const hash = createHash("sha256").update(password).digest("hex");
    return [
        `port ${port}`,
        "protected-mode yes",
        "user default off",
        // Celery needs no commands that manage the server or can harm it. Operators need INFO.
        `user ${account} on #${hash} ~* &* +@all -@admin -@dangerous +info`,
        "dir /data",
        // Only the append-only file, without snapshots.
        "appendonly yes",
        'save ""',
        // A broker that evicts keys loses tasks without an error.
        "maxmemory-policy noeviction",
        "",
    ].join("\n");
}

function redisUrl(host: pulumi.Output<string>, password: pulumi.Output<string>) {
    return pulumi.secret(pulumi.interpolate`redis://${account}:${password.apply(encodeURIComponent)}@${host}:${port}/0`);
}
