/** What a stack file may say under `sms:`, with the defaults. The words of each refusal stand with its kind in values.ts. */
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
    certificateId,
    cidr,
    cloudId,
    clusterUid,
    contextName,
    credential,
    filePath,
    givenNumber,
    hour,
    image,
    instanceClass,
    kinds,
    labels,
    logName,
    namespaceName,
    oneOf,
    ownNamespace,
    pemFile,
    pemText,
    pinnedImage,
    plainVariables,
    poolName,
    quantity,
    queueNames,
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

/** What the scheduler sets aside (requests) and what a pod may use at most (limits). */
function resources(requests: Amounts, limits: Amounts) {
    const amounts = ({ cpu, memory }: Amounts) =>
        section({ cpu: quantity(cpus, cpu).default(cpu), memory: quantity(bytes, memory).default(memory) }).prefault({});
    return section({ requests: amounts(requests), limits: amounts(limits) })
        .check(requestsAreWithinLimits)
        .prefault({});
}

/** The origin's numbers, for every process of the product. */
const appResources = resources({ cpu: "0.1", memory: "200Mi" }, { cpu: "1", memory: "800Mi" });

const everyWorkload = {
    /** Old versions that `kubectl rollout undo` can go back to. */
    revisionHistoryLimit: wholeNumber(0, 100, 5),
    /** After this long without success, `pulumi up` fails with the pods' own reasons. */
    rolloutTimeoutSeconds: wholeNumber(30, 3600, 300),
    resources: appResources,
    env: plainVariables(takenVariable),
};

const replicated = {
    ...everyWorkload,
    replicas: wholeNumber(1, 100, 6),
    /** How long a new pod must stay ready before the rollout counts on it. */
    minReadySeconds: wholeNumber(0, 600, 10),
    /** From the order to stop until the kill. */
    gracePeriodSeconds: wholeNumber(1, 3600, 180),
    rollout: section({ maxSurge: share("25%"), maxUnavailable: share(0) })
        .check(rolloutCanBegin)
        .prefault({}),
};

/** Up from `replicas`, and down to them again, by the cpu that the pods take of what they request. */
const byCpu = { maxReplicas: givenNumber(2, 1000, 12), cpuPercent: wholeNumber(1, 1000, 70) };

const web = section({
    ...replicated,
    autoscale: section(byCpu).optional(),
    nodePort: wholeNumber(30000, 32767, 31090),
    /** The server's processes, and the threads of each. */
    workers: wholeNumber(1, 64, 1),
    threads: wholeNumber(1, 256, 8),
    /** Between taking a pod out of the Service and telling it to stop: every node must have heard. */
    preStopSeconds: wholeNumber(0, 600, 10),
    /** What the server gives running requests to finish. */
    gracefulTimeoutSeconds: wholeNumber(1, 3600, 30),
})
    .check(rolloutOutlastsReadiness, autoscaleHasRoom)
    .prefault({});

/** By the tasks that wait, as KEDA counts them. */
const byQueue = { kind: z.literal("queue"), maxReplicas: givenNumber(2, 1000, 12), tasksPerPod: givenNumber(1, 1_000_000, 100) };

/** What each pool of workers has for itself. */
const pool = {
    ...replicated,
    /** Tasks at a time in one pod (threads). */
    concurrency: wholeNumber(1, 256, 16),
    /** Where its tasks come from. */
    queues: queueNames.default([...queues]),
    autoscale: z
        .discriminatedUnion("kind", [section({ kind: z.literal("cpu").optional(), ...byCpu }), section(byQueue)], {
            error: kinds("cpu or queue"),
        })
        .optional(),
};
/** What a pool has from `sms:worker`. How far it grows is its own matter. */
export const inheritedKeys = Object.keys(pool).filter((key) => key !== "autoscale");

const worker = section({
    ...pool,
    /** For so long one attempt to send has its message to itself; none takes longer. */
    sendLeaseSeconds: wholeNumber(1, 3500, 60),
    /** The longest wait for the next attempt. */
    sendRetryMaxSeconds: wholeNumber(0, 86400, 600),
    /** After it Redis gives a task that nobody acknowledged to another worker. */
    visibilityTimeoutSeconds: wholeNumber(1, 604800, 3600),
})
    .check(rolloutOutlastsReadiness, autoscaleHasRoom, visibilityOutlastsTasks)
    .prefault({});

/** More pools of workers; what one doesn't say, it has from `sms:worker`. */
const workerPools = z
    .record(poolName, section(pool).check(rolloutOutlastsReadiness, autoscaleHasRoom), { error: "a block of pools by their names" })
    .prefault({});

const beat = section({
    ...everyWorkload,
    gracePeriodSeconds: wholeNumber(1, 3600, 30),
    replicas: refused("left out: there is exactly one beat, as a second one would send every periodic task twice"),
}).prefault({});

/** Addresses of pods and Services, where they aren't the vSwitches' own (Flannel); Terway's pods have addresses of vSwitches. */
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
            /** All that pods, nodes and stores are in. */
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
    return z.array(one, { error: "a list, each entry behind a -" });
}

const days = z.array(oneOf(...weekDays), { error: "a list of week days such as [Monday, Thursday]" }).min(1, {
    error: "a list of week days such as [Monday, Thursday]",
});

/** What both managed stores are asked. */
const managed = {
    zone,
    secondaryZone: zone.optional(),
    /** Whether the way there is encrypted. Online it is by default; the certificate is checked by `sms:storesCa`. */
    tls: trueOrFalse.optional(),
    backup: section({ days: days.default([...weekDays]), from: hour("19:00Z") }).prefault({}),
    maintenance: section({ from: hour("18:00Z") }).prefault({}),
    /** Keeps the store from being deleted or replaced; as `sms:protect` by default. */
    protect: trueOrFalse.optional(),
    paymentType: refused("left out: stores are PostPaid. Destroying a PrePaid one only makes Pulumi forget it, and it goes on costing"),
};

const managedRedis = section({
    kind: z.literal("managed"),
    instanceClass: instanceClass("redis.shard.small.2.ce", /^redis\.[a-z0-9.]+$/),
    engineVersion: version("7.0", "6.0", "5.0").default("7.0"),
    /** Another name, with another password, is how to change the password: both accounts work until all pods have the new one. */
    account: redisAccount.default("sms"),
    ...managed,
}).check(nodesAreInDifferentZones, brokerIsNoCluster);

const managedMongo = section({
    kind: z.literal("managed"),
    instanceClass: instanceClass("mdb.shard.2x.large.c", /^(mdb|dds)\.[a-z0-9.]+$/),
    engineVersion: version("7.0", "8.0", "6.0", "5.0", "4.4").default("7.0"),
    storageGb: storageGb.default(20),
    storageType: oneOf("cloud_essd1", "cloud_essd2", "cloud_essd3", "cloud_auto").default("cloud_essd1"),
    /** Of the replica set. */
    nodes: replicaSetNodes.default(3),
    hiddenZone: zone.optional(),
    /** Which backups outlive the store, where it is deleted. The cloud's own default is none. */
    backupsAfterDeletion: oneOf("none", "last", "all").default("last"),
    ...managed,
}).check(nodesAreInDifferentZones, replicaSetIsInOneZoneOrThree);

/** A store's place decides what else is asked for. */
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
                    /** Keeps the store and its data from being deleted or replaced; as `sms:protect` by default. */
                    protect: trueOrFalse.optional(),
                    resources: resources(inCluster.requests, inCluster.limits),
                }),
                onAlibaba,
                section({ kind: z.literal("external") }),
            ],
            { error: kinds("cluster or managed or external") },
        )
        .prefault({} as never);
}

/** The id of a cluster that is gone, with all that the stack had in it: the next `up` may make it anew in another. */
const replaces = clusterUid.optional();
/** Nodes are added for pods that find no room, in a way that can't be seen in the cluster: too little room is a warning, no refusal. */
const addsNodes = trueOrFalse.optional();

const cluster = z
    .discriminatedUnion(
        "kind",
        [
            section({
                kind: z.literal("context").optional(),
                /** Always by name: the kubeconfig's current context is never used. */
                context: contextName,
                /** Otherwise `KUBECONFIG` or `~/.kube/config`. */
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
                /** The host that nodes pull from, where it is another one. */
                pullServer: registryServer.optional(),
                repository: repositoryName.default("sms"),
                username: accountName,
            }),
            section({
                kind: z.literal("acr"),
                instanceId: cloudId("the Enterprise Edition instance's id", "cri-"),
                instanceName: registryInstance,
                namespace: registryName.default("sms"),
                repository: registryName.default("sms"),
                username: accountName,
                /** Keeps namespace and repository, and with them the images, from being deleted; as `sms:protect` by default. */
                protect: trueOrFalse.optional(),
            }),
        ],
        { error: kinds("address or acr") },
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
                /** A RAM user's that may write to this logstore and nothing else. */
                accessKeyId,
                /** How pods reach it: `public` from another region or from outside of Alibaba Cloud. */
                network: oneOf("intranet", "public").default("intranet"),
                /** Keeps the logs from being deleted; as `sms:protect` by default. */
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
            /** The pods say where their metrics are, for a Prometheus that goes by that. */
            section({ kind: z.literal("annotations").optional() }),
            /** Besides, the Prometheus operator's PodMonitors and alerts, and Grafana's dashboard. */
            section({
                kind: z.literal("operator"),
                /** By which the operator's Prometheus selects what is meant for it, such as `release: prometheus`. */
                labels: labels.prefault({}),
                /** Where whoever is called reads docs/on-call.md. */
                onCallUrl: address(pageForm).optional(),
            }),
        ],
        { error: kinds("annotations or operator") },
    )
    .prefault({} as never);

/** Keys whose values are secrets: encrypted in the file, never shown, never in `settings` but as secret outputs. */
export const secretSchema = section({
    // What the stores' passwords have to be depends on the stores' kinds: see secrets.ts.
    registryPassword: credential(1).optional(),
    redisPassword: z.unknown().optional(),
    redisUrl: address(redisForm).optional(),
    mongoPassword: z.unknown().optional(),
    mongoUrl: address(mongoForm).optional(),
    /** Of the AccessKey that writes logs to SLS, or what OTLP's receiver wants to see as `Authorization`. */
    logsAccessKeySecret: credential(1).optional(),
    logsAuthorization: credential(1).optional(),
    /** More variables for all pods, through a Secret. */
    secretEnv: secretVariables(takenVariable).optional(),
});
export type SecretKey = keyof typeof secretSchema.shape;

export const plainSchema = section(
    {
        /** Becomes `ENV` in the pods. */
        environment: oneOf("online", "test", "local"),
        namespace: ownNamespace.default("sms"),
        /** It is there and somebody else's: neither made, nor marked, nor closed, nor deleted with the stack. */
        existingNamespace: trueOrFalse.default(false),
        /** Whether Pulumi refuses to delete or replace what holds data, images or logs. Stores, registry and logs have the same key. Online it is true by default. */
        protect: trueOrFalse.optional(),
        /** The account's, for all that is Alibaba Cloud's. Its keys are the environment's: ALICLOUD_ACCESS_KEY and so on. */
        alibaba: section({
            region,
            accountType: oneOf("Domestic", "International").default("Domestic"),
            tags: tags.prefault({}),
        }).optional(),
        network: network.optional(),
        cluster,
        registry,
        image: section({
            baseImage: image("python:3.11-slim-bookworm").default("python:3.11-slim-bookworm"),
            platform: oneOf("linux/amd64", "linux/arm64").default("linux/amd64"),
            /** For example `PIP_INDEX_URL`. They stay readable in the image's history. */
            buildArgs: buildArguments(takenArgument),
            /** An image that was pushed before, in place of a new one: how `npm run rollback` goes back. */
            pinned: pinnedImage.optional(),
        }).prefault({}),
        redis: store("redis:7.0", { requests: { cpu: "0.1", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } }, managedRedis),
        mongo: store("mongo:7.0", { requests: { cpu: "0.1", memory: "128Mi" }, limits: { cpu: "1", memory: "1Gi" } }, managedMongo),
        /** In front of web: a network load balancer (NLB), which ACK's cloud controller makes. Without it, the node port is all there is. */
        loadBalancer: section({
            scheme: oneOf("internal", "internet").default("internal"),
            /** Of a certificate in Certificate Management Service: with it HTTPS on 443, without it HTTP on 80. */
            certificateId: certificateId.optional(),
            /** Their rules say whose requests it takes; without any it takes everybody's. */
            securityGroupIds: listOf(cloudId("a security group's id", "sg-")).default([]),
            drainSeconds: wholeNumber(10, 900, 60),
            /** Keeps its address from being lost; as `sms:protect` by default. */
            protect: trueOrFalse.optional(),
        }).optional(),
        /** By which the stores' certificates are checked: the CA chain that either store's console gives. One of both. */
        storesCa: section({ text: pemText.optional(), file: pemFile.optional() }).check(authorityIsGivenOnce).optional(),
        logs: section({
            /** A pod whose logs outgrow it is evicted. */
            sizeLimit: quantity(bytes, "1Gi").default("1Gi"),
            /** Where a collector beside each pod ships them. */
            ship: section({
                image: image("otel/opentelemetry-collector-contrib:0.128.0").default("otel/opentelemetry-collector-contrib:0.128.0"),
                resources: resources({ cpu: "20m", memory: "64Mi" }, { cpu: "200m", memory: "128Mi" }),
                to: logDestination,
            }).optional(),
        }).prefault({}),
        /** What may get into and out of the pods, and nothing else. The cluster's CNI has to enforce it: Terway does if told so, Flannel doesn't. */
        networkPolicies: section({
            enabled: trueOrFalse.default(true),
            /** The namespace of the Prometheus that reads the workers' metrics; otherwise any. */
            metricsFrom: namespaceName.optional(),
        }).prefault({}),
        monitoring,
        /** Variables for all pods; web, worker and beat can add their own. */
        env: plainVariables(takenVariable),
        /** KEDA 2 in the cluster, which scales workers by their queues; given only where it is there. */
        keda: section({ namespace: namespaceName.default("keda") }).optional(),
        /** Before each new version: what it may take to bring MongoDB up to it. */
        migration: section({ timeoutSeconds: wholeNumber(10, 3600, 120) }).prefault({}),
        web,
        worker,
        workerPools,
        beat,
    },
    Object.keys(secretSchema.shape),
);
export type PlainSettings = z.output<typeof plainSchema>;

/** Keys with one value: Pulumi gives it as it stands, and the others' as JSON. */
export const scalarKeys = [
    "environment",
    "namespace",
    "registryPassword",
    "redisPassword",
    "redisUrl",
    "mongoPassword",
    "mongoUrl",
    "logsAccessKeySecret",
    "logsAuthorization",
];
