import { Job } from "@pulumi/kubernetes/batch/v1";
import * as pulumi from "@pulumi/pulumi";
import { type App, appPod } from "./app";
import type { Placement } from "./podTemplate";

export interface PreparationArgs {
    /** The app that web, worker and beat are about to run. */
    app: App;
    /** The time limit of the migration itself. */
    timeoutSeconds: number;
    /** The time limit for pulling the image and checking the stores. */
    rolloutTimeoutSeconds: number;
    placement?: Placement;
}

/** Enough for one Python process that opens a few connections. */
const resources = { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };

const command = [
    ...["python", "-m", "sms.prepare"],
    ...["--redis-url-from", "sms:redisUrl (or sms:redisPassword)"],
    ...["--mongo-url-from", "sms:mongoUrl (or sms:mongoPassword)"],
];

/**
 * A Job that every rollout waits for. It connects to Redis and MongoDB from inside the cluster, with the workloads' image and the real
 * URLs. Then it migrates MongoDB to this version of the app, while the previous version still serves. It runs again when the image or the
 * environment changes, and after a failure. If it fails, `pulumi up` ends with its last lines, before any workload changes.
 */
export class Preparation extends pulumi.ComponentResource {
    /** The app with stores that are ready for this version. Resources that use it wait for the Job. */
    readonly app: App;

    constructor(name: string, args: PreparationArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:preparation:Preparation", name, {}, opts);

        const { app, timeoutSeconds, placement } = args;
        const limitSeconds = args.rolloutTimeoutSeconds + timeoutSeconds;
        const job = new Job(
            `${name}-job`,
            {
                metadata: {
                    // Pulumi generates the name. A Job can't be changed, so a change creates another Job.
                    namespace: app.namespace,
                    // A failed Job doesn't block the next `up`, which creates another Job. This works even if the cause was repaired
                    // outside the program.
                    annotations: { "pulumi.com/replaceUnready": "true" },
                },
                spec: {
                    // The command itself waits for short failures to pass. A finished Job stays, so that a refresh finds no difference.
                    backoffLimit: 0,
                    activeDeadlineSeconds: limitSeconds,
                    template: appPod(
                        {
                            // It ends with its command. No log collector: Kubernetes keeps the Job's last lines, and the provider shows them.
                            app: { ...app, liveReload: false, logs: { sizeLimit: app.logs.sizeLimit } },
                            env: { MIGRATION_TIMEOUT_SECONDS: `${timeoutSeconds}` },
                            resources,
                            gracePeriodSeconds: 1,
                            revisionHistoryLimit: 0,
                            rolloutTimeoutSeconds: limitSeconds,
                            placement,
                        },
                        { name: `sms-${name}`, command, probes: {}, spec: { restartPolicy: "Never" } },
                    ),
                },
            },
            { parent: this, customTimeouts: { create: `${limitSeconds + 30}s` } },
        );
        this.app = { ...app, secretEnv: secretEnvOf(job) };
        this.registerOutputs();
    }
}

/** The Secret's name as an output of the Job, so that resources wait for the Job. A preview knows it even if the Job's image is unknown. */
function secretEnvOf(job: Job): pulumi.Output<string> {
    return job.spec.template.spec.containers[0]?.envFrom[0]?.secretRef.name as pulumi.Output<string>;
}
