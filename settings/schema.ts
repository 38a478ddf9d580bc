/** The keys of a stack file under `sms:`, with their defaults. The words of each refusal are in values.ts. */
import { z } from "zod";
import { mongoForm, otlpForm, pageForm, redisForm } from "./address";
import { authorityIsGivenOnce } from "./encryptionRules";
import {
    brokerIsNoCluster,
    networksAreApart,
    newVSwitchesAreOnePerZone,
    nodesAreInDifferentZones,
    replicaSetIsInOneZoneOrThree,
    vSwitchesAreInTwoZones,
} from "./placeRules";
import { bytes, cpus } from "./quantity";
import { queues } from "./queues";
import { autoscaleHasRoom, requestsAreWithinLimits, rolloutCanBegin, rolloutOutlastsReadiness, visibilityOutlastsTasks } from "./rules";
import {
    accessKeyId,
    accountName,
    address,
    buildArguments,
    buildContext,
    certificateId,
    cidr,
    clientName,
    cloudId,
    clusterUid,
    contextName,
    credential,
    environmentName,
    filePath,
    givenImage,
    givenNumber,
    hour,
    image,
    instanceClass,
    kinds,
    labels,
    logName,
    namespaceName,
    nodeSelector,
    oneOf,
    ownNamespace,
    pemFile,
    pemText,
    pinnedImage,
    plainVariables,
    poolName,
    priorityClassName,
    productName,
    quantity,
    queueNames,
    ramRole,
    redisAccount,
    refused,
    region,
    registryInstance,
    registryName,
    registryServer,
    replicaSetNodes,
    repositoryName,
    secretVariables,
    section,
    share,
    storageClassName,
    storageGb,
    tags,
    tokenHashes,
    toleration,
    trueOrFalse,
    version,
    weekDays,
    wholeNumber,
    zone,
} from "./values";
import { takenArgument, takenVariable } from "./variables";

interface Amounts {
    cpu: string;
    memory: string;
}

/** The amounts that the scheduler reserves (requests) and the most that a pod may use (limits). */
function resources(requests: Amounts, limits: Amounts) {
    const amounts = ({ cpu, memory }: Amounts) =>
        section({ cpu: quantity(cpus, cpu).default(cpu), memory: quantity(bytes, memory).default(memory) }).prefault({});
    return section({ requests: amounts(requests), limits: amounts(limits) })
        .check(requestsAreWithinLimits)
        .prefault({});
}

/** The numbers of the original manifest, for every process of the product. */
const appResources = resources({ cpu: "0.1", memory: "200Mi" }, { cpu: "1", memory: "800Mi" });

/** The nodes on which pods may run, and the pods' priority if there isn't room for all. */
const placement = section({
    nodeSelector: nodeSelector.optional(),
    tolerations: z.array(toleration, { error: "a list of tolerations, each after a -" }).optional(),
    priorityClassName: priorityClassName.optional(),
}).optional();

const everyWorkload = {
    /** Old versions that `kubectl rollout undo` can go back to. */
    revisionHistoryLimit: wholeNumber(0, 100, 5),
    /** After this time without success, `pulumi up` fails with the pods' own reasons. */
    rolloutTimeoutSeconds: wholeNumber(30, 3600, 300),
    resources: appResources,
    env: plainVariables(takenVariable),
    placement,
};

const replicated = {
    ...everyWorkload,
    replicas: wholeNumber(1, 100, 6),
    /** How long a new pod must stay ready before the rollout counts it. */
    minReadySeconds: wholeNumber(0, 600, 10),
    /** The time from the request to stop until SIGKILL. */
    gracePeriodSeconds: wholeNumber(1, 3600, 180),
    rollout: section({ maxSurge: share("25%"), maxUnavailable: share(0) })
        .check(rolloutCanBegin)
        .prefault({}),
};

/** Scales between `replicas` and `maxReplicas`, by the pods' cpu usage in percent of their requests. */
const byCpu = { maxReplicas: givenNumber(2, 1000, 12), cpuPercent: wholeNumber(1, 1000, 70) };

const web = section({
    ...replicated,
    autoscale: section(byCpu).optional(),
    nodePort: wholeNumber(30000, 32767, 31090),
    /** The server's processes, and the threads of each. */
    workers: wholeNumber(1, 64, 1),
    threads: wholeNumber(1, 256, 8),
    /** The time between a pod's removal from the Service and its SIGTERM. In this time every node must learn of the removal. */
    preStopSeconds: wholeNumber(0, 600, 10),
    /** The time in which the server lets running requests finish. */
    gracefulTimeoutSeconds: wholeNumber(1, 3600, 30),
})
    .check(rolloutOutlastsReadiness, autoscaleHasRoom)
    .prefault({});

/** Scales by the number of waiting tasks, which KEDA reads. */
const byQueue = { kind: z.literal("queue"), maxReplicas: givenNumber(2, 1000, 12), tasksPerPod: givenNumber(1, 1_000_000, 100) };

/** The keys of each pool of workers. */
const pool = {
    ...replicated,
    /** The number of tasks that one pod runs at the same time (threads). */
    concurrency: wholeNumber(1, 256, 16),
    /** The queues from which it takes tasks. */
    queues: queueNames.default([...queues]),
    autoscale: z
        .discriminatedUnion("kind", [section({ kind: z.literal("cpu").optional(), ...byCpu }), section(byQueue)], {
            error: kinds("cpu or queue"),
        })
        .optional(),
};
/** The keys that a pool inherits from `sms:worker`. A pool doesn't inherit `autoscale`. */
export const inheritedKeys = Object.keys(pool).filter((key) => key !== "autoscale");

const worker = section({
    ...pool,
    /** The time for which one attempt to send has its message exclusively. No attempt takes longer. */
    sendLeaseSeconds: wholeNumber(1, 3500, 60),
    /** The longest wait before the next attempt. */
    sendRetryMaxSeconds: wholeNumber(0, 86400, 600),
    /** After this time Redis gives an unacknowledged task to another worker. */
    visibilityTimeoutSeconds: wholeNumber(1, 604800, 3600),
})
    .check(rolloutOutlastsReadiness, autoscaleHasRoom, visibilityOutlastsTasks)
    .prefault({});

/** More pools of workers. A pool inherits its missing keys from `sms:worker`. */
const workerPools = z
    .record(poolName, section(pool).check(rolloutOutlastsReadiness, autoscaleHasRoom), { error: "a block of pools by their names" })
    .prefault({});

/** The limits of one client. */
const client = section({
    requestsPerMinute: wholeNumber(1, 1_000_000, 600),
    /** If it is 0, the client may query its messages but send none. */
    messagesPerDay: wholeNumber(0, 1_000_000_000, 10_000),
    /** The days for which its finished messages are kept. The default is MESSAGE_RETENTION_DAYS. */
    retentionDays: givenNumber(0, 3650, 30).optional(),
});

const beat = section({
    ...everyWorkload,
    gracePeriodSeconds: wholeNumber(1, 3600, 30),
    replicas: refused("left out: there is exactly one beat, because a second one would have nothing to send"),
}).prefault({});

/** Addresses of pods and Services outside the vSwitches (Flannel). With Terway, pods have addresses of vSwitches. */
const besideTheVpc = {
    podCidr: cidr(8, 28, "172.20.0.0/16").optional(),
    serviceCidr: cidr(8, 28, "172.21.0.0/20").optional(),
};
const inOneZone = { zone, cidr: cidr(16, 29, "10.1.0.0/24") };

const network = z.discriminatedUnion(
    "kind",
    [
        section({
            kind: z.literal("existing"),
            vpcId: cloudId("the VPC's id", "vpc-"),
            /** All vSwitches of pods, nodes and stores. */
            vSwitches: listOf(section({ id: cloudId("the vSwitch's id", "vsw-"), ...inOneZone })),
            ...besideTheVpc,
        }).check(vSwitchesAreInTwoZones, networksAreApart),
        section({
            kind: z.literal("new"),
            cidr: cidr(8, 28, "10.1.0.0/16"),
            vSwitches: listOf(section(inOneZone)),
            ...besideTheVpc,
        }).check(vSwitchesAreInTwoZones, newVSwitchesAreOnePerZone, networksAreApart),
    ],
    { error: kinds("existing or new") },
);

function listOf<T extends z.ZodType>(one: T) {
    return z.array(one, { error: "a list, each entry after a -" });
}

const days = z.array(oneOf(...weekDays), { error: "a list of week days such as [Monday, Thursday]" }).min(1, {
    error: "a list of week days such as [Monday, Thursday]",
});

/** The keys that both managed stores have. */
const managed = {
    zone,
    secondaryZone: zone.optional(),
    /** Whether connections use TLS. The default is true in production. Pods check the certificate with `sms:storesCa`. */
    tls: trueOrFalse.optional(),
    backup: section({ days: days.default([...weekDays]), from: hour("19:00Z") }).prefault({}),
    maintenance: section({ from: hour("18:00Z") }).prefault({}),
    /** Protects the store from deletion and replacement. The default is `sms:protect`. */
    protect: trueOrFalse.optional(),
    paymentType: refused(
        "left out: stores are PostPaid. If a PrePaid store is destroyed, Pulumi only forgets it, and the cloud still charges for it",
    ),
};

const managedRedis = section({
    kind: z.literal("managed"),
    instanceClass: instanceClass("redis.shard.small.2.ce", /^redis\.[a-z0-9.]+$/),
    engineVersion: version("7.0", "6.0", "5.0").default("7.0"),
    /** To change the password, set another name and another password. Both accounts work until all pods have the new one. */
    account: redisAccount.default("sms"),
    ...managed,
}).check(nodesAreInDifferentZones, brokerIsNoCluster);

const managedMongo = section({
    kind: z.literal("managed"),
    instanceClass: instanceClass("mdb.shard.2x.large.c", /^(mdb|dds)\.[a-z0-9.]+$/),
    engineVersion: version("7.0", "8.0", "6.0", "5.0", "4.4").default("7.0"),
    storageGb: storageGb.default(20),
    storageType: oneOf("cloud_essd1", "cloud_essd2", "cloud_essd3", "cloud_auto").default("cloud_essd1"),
    /** The number of nodes in the replica set. */
    nodes: replicaSetNodes.default(3),
    hiddenZone: zone.optional(),
    /** The backups that remain after the store is deleted. The cloud's own default is none. */
    backupsAfterDeletion: oneOf("none", "last", "all").default("last"),
    ...managed,
}).check(nodesAreInDifferentZones, replicaSetIsInOneZoneOrThree);

/** A store. Its kind decides which other keys it has. */
function store<T extends typeof managedRedis | typeof managedMongo>(
    example: string,
    inCluster: Record<"requests" | "limits", Amounts>,
    onAlibaba: T,
) {
    return z
        .discriminatedUnion(
            "kind",
            [
                section({
                    kind: z.literal("cluster"),
                    image: image(example),
                    storage: quantity(bytes, "1Gi").default("1Gi"),
                    storageClass: storageClassName.optional(),
                    /** Protects the store and its data from deletion and replacement. The default is `sms:protect`. */
                    protect: trueOrFalse.optional(),
                    placement,
                    resources: resources(inCluster.requests, inCluster.limits),
                }),
                onAlibaba,
                section({ kind: z.literal("external") }),
            ],
            { error: kinds("cluster or managed or external") },
        )
        .prefault({} as never);
}

/**
 * The id of a cluster that no longer exists, with everything that the stack had in it. The next `up` may then create the stack in another
 * cluster.
 */
const replaces = clusterUid.optional();
/** Whether nodes are added for pods without room in a way that the cluster doesn't show. If true, too little room is only a warning. */
const addsNodes = trueOrFalse.optional();

const cluster = z
    .discriminatedUnion(
        "kind",
        [
            section({
                kind: z.literal("context").optional(),
                /** The context's name. The kubeconfig's current context is never used. */
                context: contextName,
                /** The default is `KUBECONFIG`, or `~/.kube/config`. */
                kubeconfig: filePath.optional(),
                replaces,
                addsNodes,
            }),
            section({ kind: z.literal("ack"), id: cloudId("the ACK cluster's id", "c"), replaces, addsNodes }),
        ],
        { error: kinds("context or ack") },
    )
    .prefault({} as never);

const registry = z
    .discriminatedUnion(
        "kind",
        [
            section({
                kind: z.literal("address").optional(),
                server: registryServer,
                /** The host that nodes pull from, if it is another one. */
                pullServer: registryServer.optional(),
                repository: repositoryName.default("sms"),
                username: accountName,
            }),
            /**
             * Also by its address, but without an account: pods pull without a Secret. A push uses the local `docker login`, if there is
             * one.
             */
            section({
                kind: z.literal("anonymous"),
                server: registryServer,
                pullServer: registryServer.optional(),
                repository: repositoryName.default("sms"),
            }),
            section({
                kind: z.literal("acr"),
                instanceId: cloudId("the Enterprise Edition instance's id", "cri-"),
                instanceName: registryInstance,
                namespace: registryName.default("sms"),
                repository: registryName.default("sms"),
                username: accountName,
                /**
                 * Whether the registry refuses to overwrite a tag. If left out, the console's choice stays. If an `up` was killed after its
                 * push, delete the tag before the next `up`.
                 */
                immutableTags: trueOrFalse.optional(),
                /** Protects namespace and repository, and so the images, from deletion. The default is `sms:protect`. */
                protect: trueOrFalse.optional(),
            }),
        ],
        { error: kinds("address or acr or anonymous") },
    )
    .prefault({} as never);

const platform = oneOf("linux/amd64", "linux/arm64").default("linux/amd64");

const appImage = z
    .discriminatedUnion(
        "kind",
        [
            section({
                kind: z.literal("build").optional(),
                /** The app: a folder with a Dockerfile. Its image must keep the contract in docs/adopting.md. */
                context: buildContext.default("app"),
                baseImage: image("python:3.11-slim-bookworm").default("python:3.11-slim-bookworm"),
                platform,
                /** For example `PIP_INDEX_URL`. They stay readable in the image's history. */
                buildArgs: buildArguments(takenArgument),
                /** An image that was pushed before, instead of a new one. `npm run rollback` uses this key. */
                pinned: pinnedImage.optional(),
                reference: refused("left out, or beside kind: given, which names an image that somebody else has built"),
            }),
            /** An image that somebody else builds and pushes. The program does neither. */
            section({ kind: z.literal("given"), reference: givenImage, platform }),
        ],
        { error: kinds("build or given") },
    )
    .prefault({} as never);

const logDestination = z
    .discriminatedUnion(
        "kind",
        [
            section({
                kind: z.literal("sls"),
                project: logName,
                store: logName.default("sms"),
                retentionDays: wholeNumber(1, 3000, 30),
                /** The key of a RAM user who may write to this logstore and do nothing else. */
                accessKeyId,
                /** The endpoint for the pods. `public` is for pods in another region or outside Alibaba Cloud. */
                network: oneOf("intranet", "public").default("intranet"),
                /** Protects the logs from deletion. The default is `sms:protect`. */
                protect: trueOrFalse.optional(),
            }),
            section({ kind: z.literal("otlp"), endpoint: address(otlpForm) }),
        ],
        { error: kinds("sls or otlp") },
    )
    .prefault({} as never);

const monitoring = z
    .discriminatedUnion(
        "kind",
        [
            /** Annotations on the pods say where their metrics are, for a Prometheus that reads annotations. */
            section({ kind: z.literal("annotations").optional() }),
            /** Adds the Prometheus operator's PodMonitors and alerts, and Grafana's dashboard. */
            section({
                kind: z.literal("operator"),
                /** The labels by which the operator's Prometheus selects its objects, such as `release: prometheus`. */
                labels: labels.prefault({}),
                /** The URL of docs/on-call.md, for the person on call. */
                onCallUrl: address(pageForm).optional(),
            }),
        ],
        { error: kinds("annotations or operator") },
    )
    .prefault({} as never);

/** Keys whose values are secrets. They are encrypted in the file, never shown, and in `settings` only secret outputs. */
export const secretSchema = section({
    // The rules for the stores' passwords depend on the stores' kinds: see secrets.ts.
    registryPassword: credential(1).optional(),
    redisPassword: z.unknown().optional(),
    redisUrl: address(redisForm).optional(),
    mongoPassword: z.unknown().optional(),
    mongoUrl: address(mongoForm).optional(),
    /** The secret of the AccessKey that writes logs to SLS, and the `Authorization` header for the OTLP receiver. */
    logsAccessKeySecret: credential(1).optional(),
    logsAuthorization: credential(1).optional(),
    /** The hashes of the tokens of each client in `sms:clients`. `npm run clients` generates the tokens and writes the hashes here. */
    clientTokens: z.record(clientName, tokenHashes, { error: "a block of clients and the hashes of their tokens" }).optional(),
    /** More variables for all pods, through a Secret. */
    secretEnv: secretVariables(takenVariable).optional(),
});
export type SecretKey = keyof typeof secretSchema.shape;

export const plainSchema = section(
    {
        /** Becomes `ENV` in the pods. */
        environment: environmentName,
        /**
         * The product's name in Alibaba Cloud, in the names of its instances and in the tag `product`. In a cluster the namespace
         * distinguishes products.
         */
        name: productName.default("sms"),
        /**
         * Whether customers use the stack. It decides protection, encryption and the policies' rules. For online, test and local the
         * environment's name decides it.
         */
        production: trueOrFalse.optional(),
        namespace: ownNamespace.default("sms"),
        /** Whether the namespace already exists and has another owner. Then the stack doesn't create, mark, close or delete it. */
        existingNamespace: trueOrFalse.default(false),
        /**
         * Whether Pulumi refuses to delete or replace resources with data, images or logs. Stores, registry and logs have the same key. The
         * default is true in production.
         */
        protect: trueOrFalse.optional(),
        /** The account for everything in Alibaba Cloud. Its keys come from environment variables: ALICLOUD_ACCESS_KEY and so on. */
        alibaba: section({
            region,
            accountType: oneOf("Domestic", "International").default("Domestic"),
            tags: tags.prefault({}),
        }).optional(),
        network: network.optional(),
        cluster,
        registry,
        image: appImage,
        /**
         * Whether the pods run their own copy of the code, which `npm run dev` changes. For development: the copy is lost with the pod, and
         * production refuses it.
         */
        liveReload: trueOrFalse.default(false),
        redis: store("redis:7.0", { requests: { cpu: "0.1", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } }, managedRedis),
        mongo: store("mongo:7.0", { requests: { cpu: "0.1", memory: "128Mi" }, limits: { cpu: "1", memory: "1Gi" } }, managedMongo),
        /** A network load balancer (NLB) in front of web, which ACK's cloud controller creates. Without it there is only the node port. */
        loadBalancer: section({
            scheme: oneOf("internal", "internet").default("internal"),
            /** A certificate's id in Certificate Management Service. With it the listener is HTTPS on 443, without it HTTP on 80. */
            certificateId: certificateId.optional(),
            /** The rules of these groups decide whose requests it accepts. Without any group it accepts all requests. */
            securityGroupIds: listOf(cloudId("a security group's id", "sg-")).default([]),
            drainSeconds: wholeNumber(10, 900, 60),
            /** Protects its address from being lost. The default is `sms:protect`. */
            protect: trueOrFalse.optional(),
        }).optional(),
        /** The CA chain that checks the stores' certificates. The console of either store offers it. Set either `text` or `file`. */
        storesCa: section({ text: pemText.optional(), file: pemFile.optional() }).check(authorityIsGivenOnce).optional(),
        logs: section({
            /** If a pod's logs outgrow it, the pod is evicted. */
            sizeLimit: quantity(bytes, "1Gi").default("1Gi"),
            /** The shipping of logs, by a collector beside each pod. */
            ship: section({
                image: image("otel/opentelemetry-collector-contrib:0.128.0").default("otel/opentelemetry-collector-contrib:0.128.0"),
                resources: resources({ cpu: "20m", memory: "64Mi" }, { cpu: "200m", memory: "128Mi" }),
                to: logDestination,
            }).optional(),
        }).prefault({}),
        /**
         * NetworkPolicies that allow only the necessary connections of the pods. The cluster's CNI must enforce them: Terway does if it is
         * configured to, Flannel doesn't.
         */
        networkPolicies: section({
            enabled: trueOrFalse.default(true),
            /** The namespace of the Prometheus that reads the metrics. No other namespace can read them. */
            metricsFrom: namespaceName.default("monitoring"),
        }).prefault({}),
        monitoring,
        /** The clients that may send, each with its limits. */
        clients: z.record(clientName, client, { error: "a block of clients by their names" }).prefault({}),
        /** Everybody who reaches the service may send, and there are no clients. The policies refuse it in production. */
        openToAnybody: trueOrFalse.default(false),
        /** The most messages a day for all clients together, which limits the cost of a day. Days are in UTC. */
        messagesPerDay: wholeNumber(1, 1_000_000_000, 100_000),
        /**
         * The owner of the messages that were accepted before there were clients. It stays the same: these messages never get another
         * owner.
         */
        formerClient: clientName.optional(),
        /** For all pods of the product. The keys of web, worker, a pool, beat or a store in the cluster override it. */
        placement,
        /** A ServiceAccount for the app's pods, `sms`. It gives them no access to the cluster's API. */
        serviceAccount: section({
            /**
             * The pods have this role's rights in Alibaba Cloud (RRSA). The cluster needs ACK's ack-pod-identity-webhook 0.2.0 or newer.
             */
            ramRole: ramRole.optional(),
        }).optional(),
        /** Variables for all pods; web, worker and beat can add their own. */
        env: plainVariables(takenVariable),
        /** KEDA 2 in the cluster, which scales workers by their queues. Set it only if KEDA is installed. */
        keda: section({ namespace: namespaceName.default("keda") }).optional(),
        /** The migration of MongoDB before each new version, and its time limit. */
        migration: section({ timeoutSeconds: wholeNumber(10, 3600, 120) }).prefault({}),
        web,
        worker,
        workerPools,
        beat,
    },
    Object.keys(secretSchema.shape),
);
export type PlainSettings = z.output<typeof plainSchema>;

/** Keys with one value. Pulumi passes it as it is, and the values of other keys as JSON. */
export const scalarKeys = [
    "environment",
    "name",
    "namespace",
    "formerClient",
    "registryPassword",
    "redisPassword",
    "redisUrl",
    "mongoPassword",
    "mongoUrl",
    "logsAccessKeySecret",
    "logsAuthorization",
];
