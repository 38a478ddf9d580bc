import { createHash } from "node:crypto";
import { Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { persistentPod } from "./persistentPod";
import { type Placement, podTemplate, type Resources } from "./podTemplate";

/** The message store in the cluster, on Alibaba Cloud or elsewhere, with everything that the workloads need to know. */
export interface Mongo {
    /** `mongodb://` or `mongodb+srv://` URL with account, password and database; a secret. */
    readonly url: pulumi.Output<string>;
    /** The store's id in Alibaba Cloud. Only a managed store has one. */
    readonly id?: pulumi.Output<string>;
}

export interface ClusterMongoArgs {
    namespace: pulumi.Input<string>;
    /**
     * An image like Docker Hub's `mongo`. It speaks MongoDB on 27017, keeps its data in /data/db and creates its first account from
     * MONGO_INITDB_ROOT_*.
     */
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

export const port = 27017;
const account = "sms";

/** The annotation of the volume's claim that shows whether the password is still the volume's password. */
export const passwordMark = "sms/password";

/** Four hex digits of the password's hash: enough to notice another password, too few to find the password. */
export function markOf(password: string): string {
    return createHash("sha256").update(password).digest("hex").slice(0, 4);
}

/** MongoDB in the cluster: one pod with its own volume. */
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
            {
                ...args,
                name: "mongo",
                port,
                template: mongoPod(args, secret.metadata.name),
                claimAnnotations: { [passwordMark]: pulumi.unsecret(args.password.apply(markOf)) },
            },
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
        placement: args.placement,
        container: {
            image: args.image,
            // The shell that creates the first account writes to its home.
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
