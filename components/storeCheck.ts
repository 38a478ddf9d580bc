import { Job } from "@pulumi/kubernetes/batch/v1";
import type { core } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { type App, appPod } from "./app";

export interface StoreCheckArgs {
    /** What web, worker and beat are about to run with. */
    app: App;
    /** To pull the image and to find out; the check itself takes seconds. */
    timeoutSeconds: number;
}

/** What one Python process takes that opens two connections. */
const resources = { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };

/**
 * Opens Redis and MongoDB from inside the cluster, as the workloads will: with their image and the real URLs. Where one can't
 * be used, `pulumi up` ends with the reason before any workload changes. It runs again whenever image or URLs change, and
 * after a failure.
 */
export class StoreCheck extends pulumi.ComponentResource {
    /** The app, with an environment that was found to open both stores: whoever uses it waits for that. */
    readonly app: App;

    constructor(name: string, args: StoreCheckArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:storeCheck:StoreCheck", name, {}, opts);

        const job = new Job(
            `${name}-job`,
            {
                metadata: {
                    // Named by Pulumi: a Job can't be changed, so for anything else there is another one.
                    namespace: args.app.namespace,
                    // One that failed is no obstacle: the next `up` makes another, also where the change was made at the store.
                    annotations: { "pulumi.com/replaceUnready": "true" },
                },
                spec: {
                    // The check itself waits for what may be over in a moment. A Job that has run stays: nothing differs on a refresh.
                    backoffLimit: 0,
                    activeDeadlineSeconds: args.timeoutSeconds,
                    template: checkPod("sms-store-check", args),
                },
            },
            { parent: this, customTimeouts: { create: `${args.timeoutSeconds + 30}s` } },
        );

        this.app = { ...args.app, secretEnv: checkedSecret(job) };
        this.registerOutputs();
    }
}

function checkPod(name: string, { app, timeoutSeconds }: StoreCheckArgs): core.v1.PodTemplateSpec {
    return appPod(
        {
            // Nothing to ship: what it says, Kubernetes keeps, and the provider shows.
            app: { ...app, logs: { sizeLimit: app.logs.sizeLimit } },
            env: {},
            resources,
            gracePeriodSeconds: 1,
            revisionHistoryLimit: 0,
            rolloutTimeoutSeconds: timeoutSeconds,
        },
        {
            name,
            command: [
                ...["python", "-m", "sms.check_stores"],
                ...["--redis-url-from", "sms:redisUrl (or sms:redisPassword)"],
                ...["--mongo-url-from", "sms:mongoUrl (or sms:mongoPassword)"],
            ],
            probes: {},
            spec: { restartPolicy: "Never" },
        },
    );
}

/** The Secret's name as the Job has it, and so only after the Job; known in a preview even where the Job's image isn't yet. */
function checkedSecret(job: Job): pulumi.Output<string> {
    return job.spec.template.spec.containers[0]?.envFrom[0]?.secretRef.name as pulumi.Output<string>;
}
