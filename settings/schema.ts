/** What a stack file may say under `sms:`, with the defaults. The words of each refusal stand with its kind in values.ts. */
import { z } from "zod";
import { graceCoversRequests, graceCoversTasks, requestsAreWithinLimits, rolloutCanBegin, rolloutOutlastsReadiness } from "./rules";
import {
    accountName,
    buildArguments,
    contextName,
    credential,
    filePath,
    image,
    namespaceName,
    oneOf,
    plainVariables,
    quantity,
    refused,
    registryServer,
    repositoryName,
    secretVariables,
    section,
    share,
    storageClassName,
    storeUrl,
    wholeNumber,
} from "./values";

/** The variables that the program sets in its pods, and the settings they come from. */
export const programVariables = {
    ENV: "sms:environment",
    REDIS_URL: "sms:redis",
    MONGO_URL: "sms:mongo",
    WEB_PORT: "the Service",
    WEB_WORKERS: "sms:web.workers",
    WEB_THREADS: "sms:web.threads",
    WEB_GRACEFUL_TIMEOUT_SECONDS: "sms:web.gracefulTimeoutSeconds",
    WORKER_THREADS: "sms:worker.concurrency",
    SEND_LEASE_SECONDS: "sms:worker.sendLeaseSeconds",
};

interface Amounts {
    cpu: string;
    memory: string;
}

/** What the scheduler sets aside (requests) and what a pod may use at most (limits). */
function resources(requests: Amounts, limits: Amounts) {
    const amounts = ({ cpu, memory }: Amounts) =>
        section({ cpu: quantity(cpu).default(cpu), memory: quantity(memory).default(memory) }).prefault({});
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
    env: plainVariables(programVariables),
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

const web = section({
    ...replicated,
    nodePort: wholeNumber(30000, 32767, 31090),
    /** gunicorn's processes, and the threads of each. */
    workers: wholeNumber(1, 64, 2),
    threads: wholeNumber(1, 256, 16),
    /** Between taking a pod out of the Service and telling it to stop: every node must have heard. */
    preStopSeconds: wholeNumber(0, 600, 10),
    /** What gunicorn gives running requests to finish. */
    gracefulTimeoutSeconds: wholeNumber(1, 3600, 30),
})
    .check(rolloutOutlastsReadiness, graceCoversRequests)
    .prefault({});

const worker = section({
    ...replicated,
    /** Tasks at a time in one pod (threads). */
    concurrency: wholeNumber(1, 256, 16),
    /** For so long one attempt to send has its message to itself; none takes longer. */
    sendLeaseSeconds: wholeNumber(1, 3500, 60),
})
    .check(rolloutOutlastsReadiness, graceCoversTasks)
    .prefault({});

const beat = section({
    ...everyWorkload,
    gracePeriodSeconds: wholeNumber(1, 3600, 30),
    replicas: refused("left out: there is exactly one beat, as a second one would send every periodic task twice"),
}).prefault({});

/** A store's place decides what else is asked for; Alibaba Cloud's managed ones will be a third kind. */
function store(example: string, inCluster: Record<"requests" | "limits", Amounts>) {
    return z
        .discriminatedUnion(
            "kind",
            [
                section({
                    kind: z.literal("cluster"),
                    image: image(example),
                    storage: quantity("1Gi").default("1Gi"),
                    storageClass: storageClassName.optional(),
                    resources: resources(inCluster.requests, inCluster.limits),
                }),
                section({ kind: z.literal("external") }),
            ],
            { error: "cluster or external" },
        )
        .prefault({} as never);
}

/** Keys whose values are secrets: encrypted in the file, never shown, never in `settings` but as secret outputs. */
export const secretSchema = section({
    registryPassword: credential(1).optional(),
    redisPassword: credential(12).optional(),
    redisUrl: storeUrl("redis:// or rediss:// URL", /^rediss?:\/\/([^@/\s]*@)?[^@/\s]+(\/\d+)?(\?\S*)?$/).optional(),
    mongoPassword: credential(12).optional(),
    mongoUrl: storeUrl("mongodb:// URL", /^mongodb:\/\/([^@/\s]*@)?[^@/\s]+(\/\S*)?$/).optional(),
    /** More variables for all pods, through a Secret. */
    secretEnv: secretVariables(programVariables).optional(),
});
export type SecretKey = keyof typeof secretSchema.shape;

export const plainSchema = section(
    {
        /** Becomes `ENV` in the pods. */
        environment: oneOf("online", "test", "local"),
        namespace: namespaceName.default("sms"),
        cluster: section({
            /** Always by name: the kubeconfig's current context is never used. */
            context: contextName,
            /** Otherwise `KUBECONFIG` or `~/.kube/config`. */
            kubeconfig: filePath.optional(),
        }).prefault({} as never),
        registry: section({
            server: registryServer,
            repository: repositoryName.default("sms"),
            username: accountName,
        }).prefault({} as never),
        image: section({
            baseImage: image("python:3.11-slim-bookworm").default("python:3.11-slim-bookworm"),
            platform: oneOf("linux/amd64", "linux/arm64").default("linux/amd64"),
            /** For example `PIP_INDEX_URL`. They stay readable in the image's history. */
            buildArgs: buildArguments({ BASE_IMAGE: "sms:image.baseImage" }),
        }).prefault({}),
        redis: store("redis:7.0", { requests: { cpu: "0.1", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } }),
        mongo: store("mongo:7.0", { requests: { cpu: "0.1", memory: "128Mi" }, limits: { cpu: "1", memory: "1Gi" } }),
        logs: section({
            /** A pod whose logs outgrow it is evicted. */
            sizeLimit: quantity("1Gi").default("1Gi"),
        }).prefault({}),
        /** Variables for all pods; web, worker and beat can add their own. */
        env: plainVariables(programVariables),
        web,
        worker,
        beat,
    },
    Object.keys(secretSchema.shape),
);
export type PlainSettings = z.output<typeof plainSchema>;

/** Keys with one value: Pulumi gives it as it stands, and the others' as JSON. */
export const scalarKeys = ["environment", "namespace", "registryPassword", "redisPassword", "redisUrl", "mongoPassword", "mongoUrl"];
