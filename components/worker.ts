import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import * as pulumi from "@pulumi/pulumi";
import { heartbeatProbes, type Process } from "./app";
import type { QueueLengths } from "./queueLengths";
import { calmly, type QueueAutoscale, type ReplicatedArgs, replicatedPods } from "./replicatedPods";

export interface WorkerArgs extends ReplicatedArgs {
    /** Tasks at a time in one pod. */
    concurrency: number;
    /** Where its tasks come from. */
    queues: readonly string[];
    /** For an autoscaler by queue. */
    queueLengths?: Pick<QueueLengths, "authentication" | "databaseIndex">;
}

export const metricsPort = 8005;

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

/** The pods that the longest of the queues asks for. */
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
        // Its concurrency is WORKER_THREADS, its queues are WORKER_QUEUES. Workers have no need to know of each other.
        command: ["celery", "--quiet", "--app", "sms.celery", "worker", "--without-mingle", "--without-gossip"],
        env: { WORKER_THREADS: `${concurrency}`, WORKER_QUEUES: queues.join(",") },
        ports: [{ name: "metrics", containerPort: metricsPort }],
        metricsPort,
        probes: heartbeatProbes("/tmp/worker.heartbeat"),
    };
}
