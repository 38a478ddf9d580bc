import { createHash } from "node:crypto";
import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { persistentPod } from "./persistentPod";
import { podTemplate, type Resources } from "./podTemplate";

/** The broker, wherever it runs: all that the workloads know of it. */
export interface Redis {
    /** `redis://` or `rediss://` URL with account and password; a secret. */
    readonly url: pulumi.Output<string>;
}

export interface ClusterRedisArgs {
    namespace: pulumi.Input<string>;
    /** With `redis-server` and `redis-cli` on its PATH, as Docker Hub's `redis`. */
    image: string;
    pullSecret: pulumi.Input<string>;
    storage: string;
    /** Otherwise the cluster's default. */
    storageClass?: string;
    resources: Resources;
    /** Keeps the store and its data from being deleted or replaced by Pulumi. */
    protect: boolean;
    password: pulumi.Output<string>;
}

export const port = 6379;
const account = "sms";

/** Redis in the cluster: one pod, its data on a volume of its own. */
export class ClusterRedis extends pulumi.ComponentResource implements Redis {
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ClusterRedisArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:redis:Cluster", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                // Named by Pulumi: another password is another name, and so another pod.
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
        container: {
            image: args.image,
            command: ["redis-server", "/etc/redis/redis.conf"],
            // For redis-cli: an argument could be read in the process list.
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

/** One account for the product, with its password as a hash, and none for anybody else. */
function redisConfig(password: string) {
    const hash = createHash("sha256").update(password).digest("hex");
    return [
        `port ${port}`,
        "protected-mode yes",
        "user default off",
        // Celery needs neither what manages the server nor what harms it; INFO is for whoever looks after it.
        `user ${account} on #${hash} ~* &* +@all -@admin -@dangerous +info`,
        "dir /data",
        // The append-only file alone: no snapshots beside it.
        "appendonly yes",
        'save ""',
        // A broker that evicts keys loses tasks without a word.
        "maxmemory-policy noeviction",
        "",
    ].join("\n");
}

function redisUrl(host: pulumi.Output<string>, password: pulumi.Output<string>) {
    return pulumi.secret(pulumi.interpolate`redis://${account}:${password.apply(encodeURIComponent)}@${host}:${port}/0`);
}
