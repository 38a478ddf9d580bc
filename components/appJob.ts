import { Job } from "@pulumi/kubernetes/batch/v1";
import type * as pulumi from "@pulumi/pulumi";
import { type App, appPod } from "./app";

export interface AppJobArgs {
    /** What web, worker and beat are about to run with. */
    app: App;
    command: string[];
    env?: Record<string, string>;
    /** To pull the image and to run. */
    timeoutSeconds: number;
}

/** What one Python process takes that opens a few connections. */
const resources = { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };

/**
 * Runs one command of the app to its end. Gives the app: whoever uses that waits for the command, and isn't touched where it
 * fails; `pulumi up` then ends with what the command printed last. It runs again whenever image or environment change, and
 * after a failure.
 */
export function appJob(name: string, { app, command, env = {}, timeoutSeconds }: AppJobArgs, opts: pulumi.CustomResourceOptions): App {
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
                activeDeadlineSeconds: timeoutSeconds,
                template: appPod(
                    {
                        // Nothing to ship: what it says, Kubernetes keeps, and the provider shows.
                        app: { ...app, logs: { sizeLimit: app.logs.sizeLimit } },
                        env,
                        resources,
                        gracePeriodSeconds: 1,
                        revisionHistoryLimit: 0,
                        rolloutTimeoutSeconds: timeoutSeconds,
                    },
                    { name: `sms-${name}`, command, probes: {}, spec: { restartPolicy: "Never" } },
                ),
            },
        },
        { ...opts, customTimeouts: { create: `${timeoutSeconds + 30}s` } },
    );
    return { ...app, secretEnv: secretEnvOf(job) };
}

/** The Secret's name as the Job has it, and so only after the Job; known in a preview even where the Job's image isn't yet. */
function secretEnvOf(job: Job): pulumi.Output<string> {
    return job.spec.template.spec.containers[0]?.envFrom[0]?.secretRef.name as pulumi.Output<string>;
}
