import { Deployment } from "@pulumi/kubernetes/apps/v1";
import * as pulumi from "@pulumi/pulumi";
import { appPod, heartbeatProbes, type Process, rolloutTimeout, type WorkloadArgs } from "./app";

export type BeatArgs = WorkloadArgs;

/** Celery beat, the scheduler. There is exactly one. A second one sends no tick again (app/sms/ticks.py), so it is only a cost. */
export class Beat extends pulumi.ComponentResource {
    constructor(name: string, args: BeatArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:beat:Beat", name, {}, opts);

        const process = celeryBeat("sms-beat");
        new Deployment(
            `${name}-deployment`,
            {
                metadata: { name: process.name, namespace: args.app.namespace },
                spec: {
                    replicas: 1,
                    revisionHistoryLimit: args.revisionHistoryLimit,
                    progressDeadlineSeconds: args.rolloutTimeoutSeconds,
                    // The old pod ends before the new pod starts.
                    strategy: { type: "Recreate" },
                    selector: { matchLabels: { app: process.name } },
                    template: appPod(args, process),
                },
            },
            { parent: this, ...rolloutTimeout(args) },
        );

        this.registerOutputs();
    }
}

function celeryBeat(name: string): Process {
    return {
        name,
        // Redis has the time of the last tick, so beat needs no schedule file.
        command: ["celery", "--quiet", "--app", "sms.celery", "beat", "--pidfile="],
        probes: heartbeatProbes("/tmp/beat.heartbeat"),
    };
}
