import { Deployment } from "@pulumi/kubernetes/apps/v1";
import * as pulumi from "@pulumi/pulumi";
import { heartbeatProbes, type Process, type ReplicatedArgs, rolling, rolloutTimeout } from "./app";

export interface WorkerArgs extends ReplicatedArgs {
    /** Tasks at a time in one pod. */
    concurrency: number;
    /** For so long one attempt to send has its message to itself. */
    sendLeaseSeconds: number;
}

/** The Celery workers. */
export class Worker extends pulumi.ComponentResource {
    constructor(name: string, args: WorkerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:worker:Worker", name, {}, opts);

        const process = celeryWorker("sms-worker", args);
        new Deployment(
            `${name}-deployment`,
            {
                metadata: { name: process.name, namespace: args.app.namespace },
                spec: rolling(args, process),
            },
            { parent: this, ...rolloutTimeout(args) },
        );

        this.registerOutputs();
    }
}

function celeryWorker(name: string, { concurrency, sendLeaseSeconds }: WorkerArgs): Process {
    return {
        name,
        // Its concurrency is WORKER_THREADS. Workers have no need to know of each other.
        command: ["celery", "--quiet", "--app", "sms.celery", "worker", "--pool", "threads", "--without-mingle", "--without-gossip"],
        env: { WORKER_THREADS: `${concurrency}`, SEND_LEASE_SECONDS: `${sendLeaseSeconds}` },
        probes: heartbeatProbes("/tmp/worker.heartbeat"),
    };
}
