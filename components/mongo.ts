import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { persistentPod } from "./persistentPod";
import { podTemplate, type Resources } from "./podTemplate";

/** The message store, wherever it runs: all that the workloads know of it. */
export interface Mongo {
    /** `mongodb://` URL with account, password and database; a secret. */
    readonly url: pulumi.Output<string>;
}

export interface ClusterMongoArgs {
    namespace: pulumi.Input<string>;
    /** Speaks MongoDB on 27017, keeps its data in /data/db and makes its first account from MONGO_INITDB_ROOT_*, as Docker Hub's `mongo`. */
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

export const port = 27017;
const account = "sms";

/** MongoDB in the cluster: one pod, its data on a volume of its own. */
export class ClusterMongo extends pulumi.ComponentResource implements Mongo {
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ClusterMongoArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:mongo:Cluster", name, {}, opts);

        const secret = new Secret(
            `${name}-secret`,
            {
                metadata: { namespace: args.namespace },
                immutable: true,
                stringData: { MONGO_INITDB_ROOT_USERNAME: account, MONGO_INITDB_ROOT_PASSWORD: args.password },
            },
            { parent: this },
        );
        const host = persistentPod(
            name,
            { ...args, name: "mongo", port, template: mongoPod(args, secret.metadata.name) },
            { parent: this },
        );

        this.url = mongoUrl(host, args.password);
        this.registerOutputs({ url: this.url });
    }
}

function mongoPod(args: ClusterMongoArgs, secret: pulumi.Input<string>) {
    return podTemplate({
        name: "mongo",
        gracePeriodSeconds: 60,
        pullSecret: args.pullSecret,
        container: {
            image: args.image,
            // The shell that makes the first account wants to write to its home.
            env: [{ name: "HOME", value: "/tmp" }],
            envFrom: [{ secretRef: { name: secret } }],
            ports: [{ containerPort: port }],
            resources: args.resources,
            startupProbe: { tcpSocket: { port }, periodSeconds: 2, failureThreshold: 60 },
            readinessProbe: { tcpSocket: { port }, periodSeconds: 5, timeoutSeconds: 5 },
            livenessProbe: { tcpSocket: { port }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
        },
        volumes: [
            { name: "data", mountPath: "/data/db" },
            { name: "tmp", mountPath: "/tmp", emptyDir: { sizeLimit: "64Mi" } },
        ],
    });
}

function mongoUrl(host: pulumi.Output<string>, password: pulumi.Output<string>) {
    return pulumi.secret(
        pulumi.interpolate`mongodb://${account}:${password.apply(encodeURIComponent)}@${host}:${port}/sms?authSource=admin`,
    );
}
