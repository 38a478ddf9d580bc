import * as pulumi from "@pulumi/pulumi";
import { heartbeatProbes, type Process } from "./app";
import { type ReplicatedArgs, replicatedPods } from "./replicatedPods";

export interface WorkerArgs extends ReplicatedArgs {
    /** Tasks at a time in one pod. */
    concurrency: number;
    /** Where its tasks come from. */
    queues: readonly string[];
}

export const metricsPort = 8005;

/** A pool of Celery workers. */
export class Worker extends pulumi.ComponentResource {
    constructor(name: string, args: WorkerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:worker:Worker", name, {}, opts);

        replicatedPods(name, args, celeryWorker(`sms-${name}`, args), { parent: this });

        this.registerOutputs();
    }
}

function celeryWorker(name: string, { concurrency, queues }: WorkerArgs): Process {
    return {
        name,
        // Its concurrency is WORKER_THREADS, its queues are WORKER_QUEUES. Workers have no need to know of each other.
        command: ["celery", "--quiet", "--app", "sms.celery", "worker", "--pool", "threads", "--without-mingle", "--without-gossip"],
        env: { WORKER_THREADS: `${concurrency}`, WORKER_QUEUES: queues.join(",") },
        ports: [{ name: "metrics", containerPort: metricsPort }],
        metricsPort,
        probes: heartbeatProbes("/tmp/worker.heartbeat"),
    };
}
