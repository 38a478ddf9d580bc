import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import { heartbeatProbes, metricsPort, type Process } from "./app";
import type { QueueLengths } from "./queueLengths";
import { calmly, type QueueAutoscale, type ReplicatedArgs, replicatedPods } from "./replicatedPods";

export interface WorkerArgs extends ReplicatedArgs {
    /** The number of tasks that one pod runs at the same time. */
    concurrency: number;
    /** The queues from which it takes tasks. */
    queues: readonly string[];
    /** Needed if the pool scales by queue. */
    queueLengths?: Pick<QueueLengths, "authentication" | "databaseIndex">;
}

/** A pool of Celery workers. */
export class Worker extends pulumi.ComponentResource {
    constructor(name: string, args: WorkerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:worker:Worker", name, {}, opts);

        const process = celeryWorker(`sms-${name}`, args);
        const deployment = replicatedPods(name, args, process, { parent: this });
        if (args.autoscale?.kind === "queue" && args.queueLengths) {
            new CustomResource(
                `${name}-autoscaler`,
                {
                    apiVersion: "keda.sh/v1alpha1",
                    kind: "ScaledObject",
                    metadata: { name: process.name, namespace: args.app.namespace },
                    spec: {
                        scaleTargetRef: { name: deployment.metadata.name },
                        minReplicaCount: args.replicas,
                        maxReplicaCount: args.autoscale.maxReplicas,
                        advanced: { horizontalPodAutoscalerConfig: { behavior: calmly } },
                        triggers: queueTriggers(args.queues, args.autoscale, args.queueLengths),
                    },
                },
                { parent: this },
            );
        }

        this.registerOutputs();
    }
}

/** One trigger for each queue. KEDA runs as many pods as the longest queue requires. */
function queueTriggers(
    queues: readonly string[],
    { tasksPerPod }: QueueAutoscale,
    { authentication, databaseIndex }: NonNullable<WorkerArgs["queueLengths"]>,
) {
    return queues.map((listName) => ({
        type: "redis",
        metadata: { listName, listLength: `${tasksPerPod}`, databaseIndex },
        authenticationRef: { name: authentication },
    }));
}

function celeryWorker(name: string, { concurrency, queues }: WorkerArgs): Process {
    return {
        name,
        // WORKER_THREADS sets the concurrency and WORKER_QUEUES the queues. Workers don't need to know about each other.
        command: ["celery", "--quiet", "--app", "sms.celery", "worker", "--without-mingle", "--without-gossip"],
        env: { WORKER_THREADS: `${concurrency}`, WORKER_QUEUES: queues.join(",") },
        ports: [{ name: "metrics", containerPort: metricsPort }],
        metricsPort,
        probes: heartbeatProbes("/tmp/worker.heartbeat"),
    };
}
