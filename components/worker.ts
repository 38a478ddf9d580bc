import * as pulumi from "@pulumi/pulumi";
import { heartbeatProbes, type Process } from "./app";
import { type ReplicatedArgs, replicatedPods } from "./replicatedPods";

export interface WorkerArgs extends ReplicatedArgs {
    /** Tasks at a time in one pod. */
    concurrency: number;
    /** For so long one attempt to send has its message to itself. */
    sendLeaseSeconds: number;
}

export const metricsPort = 8005;

/** The Celery workers. */
export class Worker extends pulumi.ComponentResource {
    constructor(name: string, args: WorkerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:worker:Worker", name, {}, opts);

        replicatedPods(name, args, celeryWorker("sms-worker", args), { parent: this });

        this.registerOutputs();
    }
}

function celeryWorker(name: string, { concurrency, sendLeaseSeconds }: WorkerArgs): Process {
    return {
        name,
        // Its concurrency is WORKER_THREADS. Workers have no need to know of each other.
        command: ["celery", "--quiet", "--app", "sms.celery", "worker", "--pool", "threads", "--without-mingle", "--without-gossip"],
        env: { WORKER_THREADS: `${concurrency}`, SEND_LEASE_SECONDS: `${sendLeaseSeconds}` },
        ports: [{ name: "metrics", containerPort: metricsPort }],
        metricsPort,
        probes: heartbeatProbes("/tmp/worker.heartbeat"),
    };
}
