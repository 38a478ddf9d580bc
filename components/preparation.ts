import { Job } from "@pulumi/kubernetes/batch/v1";
import * as pulumi from "@pulumi/pulumi";
import { type App, appPod } from "./app";

export interface PreparationArgs {
    /** What web, worker and beat are about to run with. */
    app: App;
    /** For the migration itself. */
    timeoutSeconds: number;
    /** To pull the image and to find out whether the stores answer. */
    rolloutTimeoutSeconds: number;
}

/** What one Python process takes that opens a few connections. */
const resources = { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };

const command = [
    ...["python", "-m", "sms.prepare"],
    ...["--redis-url-from", "sms:redisUrl (or sms:redisPassword)"],
    ...["--mongo-url-from", "sms:mongoUrl (or sms:mongoPassword)"],
];

/**
 * What a rollout waits for. Opens Redis and MongoDB from inside the cluster, as the workloads will: with their image and the real
 * URLs; then brings MongoDB up to what this version of the app expects, while the one before still serves. It runs again whenever
 * image or environment change, and after a failure: `pulumi up` then ends with what was printed last, before any workload changes.
 */
export class Preparation extends pulumi.ComponentResource {
    /** The app, whose stores are ready for this version: whoever uses it waits for that. */
    readonly app: App;

    constructor(name: string, args: PreparationArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:preparation:Preparation", name, {}, opts);

        const { app, timeoutSeconds } = args;
        const limitSeconds = args.rolloutTimeoutSeconds + timeoutSeconds;
        const job = new Job(
            `${name}-job`,
            {
                metadata: {
                    // Named by Pulumi: a Job can't be changed, so for anything else there is another one.
                    namespace: app.namespace,
                    // One that failed is no obstacle: the next `up` makes another, also where the mending was done elsewhere.
                    annotations: { "pulumi.com/replaceUnready": "true" },
                },
                spec: {
                    // The command itself waits for what may be over in a moment. A Job that has run stays: nothing differs on a refresh.
                    backoffLimit: 0,
                    activeDeadlineSeconds: limitSeconds,
                    template: appPod(
                        {
                            // Nothing to ship: what it says, Kubernetes keeps, and the provider shows.
                            app: { ...app, logs: { sizeLimit: app.logs.sizeLimit } },
                            env: { MIGRATION_TIMEOUT_SECONDS: `${timeoutSeconds}` },
                            resources,
                            gracePeriodSeconds: 1,
                            revisionHistoryLimit: 0,
                            rolloutTimeoutSeconds: limitSeconds,
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

/** The Secret's name as the Job has it, and so only after the Job; known in a preview even where the Job's image isn't yet. */
function secretEnvOf(job: Job): pulumi.Output<string> {
    return job.spec.template.spec.containers[0]?.envFrom[0]?.secretRef.name as pulumi.Output<string>;
}
