import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions, Input } from "@pulumi/pulumi";
import { type Collector, logSidecars } from "./logs";
import { type PodTemplateArgs, podTemplate, type Resources, type Volume } from "./podTemplate";

/** What web, worker and beat share: one image, one environment. */
export interface App {
    namespace: Input<string>;
    image: Input<string>;
    /** `linux/amd64`: what the image was built for, and the only nodes that can run it. */
    platform: string;
    pullSecret: Input<string>;
    /** Variables that anybody may read. */
    env: Record<string, string>;
    /** The name of the Secret with the others. */
    secretEnv: Input<string>;
    /** With the certificates that the stores' URLs name, where the way there is encrypted. */
    storesCa?: Volume;
    logs: {
        sizeLimit: string;
        /** Ships what the pods write; without one it stays in the pods. */
        collector?: Collector;
    };
}

/** What the settings say of each of the three. */
export interface WorkloadArgs {
    app: App;
    /** Its own variables; they win over the app's. */
    env: Record<string, string>;
    resources: Resources;
    gracePeriodSeconds: number;
    revisionHistoryLimit: number;
    rolloutTimeoutSeconds: number;
}

/** What makes a process of the app this one. */
export interface Process {
    name: string;
    /** What the image's entrypoint starts: that one is process 1, and hears a SIGTERM at any time. */
    command: string[];
    env?: Record<string, string>;
    ports?: core.v1.ContainerPort[];
    metricsPort?: number;
    probes: Pick<core.v1.Container, "startupProbe" | "readinessProbe" | "livenessProbe">;
    lifecycle?: core.v1.Lifecycle;
    spec?: PodTemplateArgs["spec"];
}

/** A pod that runs one process of the app. */
export function appPod({ app, ...args }: WorkloadArgs, process: Process): core.v1.PodTemplateSpec {
    return podTemplate({
        name: process.name,
        metricsPort: process.metricsPort,
        spec: { ...process.spec, nodeSelector: nodesOf(app.platform) },
        gracePeriodSeconds: args.gracePeriodSeconds,
        pullSecret: app.pullSecret,
        container: {
            image: app.image,
            args: process.command,
            workingDir: "/code",
            env: Object.entries({ ...app.env, ...args.env, ...process.env }).map(([name, value]) => ({ name, value })),
            envFrom: [{ secretRef: { name: app.secretEnv } }],
            ports: process.ports,
            resources: args.resources,
            lifecycle: process.lifecycle,
            ...process.probes,
        },
        volumes: [
            { name: "log-dir", mountPath: "/var/log/sms", emptyDir: { sizeLimit: app.logs.sizeLimit } },
            { name: "tmp", mountPath: "/tmp", emptyDir: { sizeLimit: "256Mi" } },
            ...(app.storesCa === undefined ? [] : [app.storesCa]),
        ],
        sidecars: app.logs.collector && logSidecars(app.logs.collector, process.name, app),
    });
}

/** By the labels that every kubelet gives its node. */
function nodesOf(platform: string): Record<string, string> {
    const [os = "", architecture = ""] = platform.split("/");
    return { "kubernetes.io/os": os, "kubernetes.io/arch": architecture };
}

/** Alive is who touched its heartbeat within the last minute. No Python is started to ask; a broker that is down kills nobody. */
export function heartbeatProbes(file: string): Process["probes"] {
    const exec = { command: ["sh", "-c", `test -n "$(find ${file} -mmin -1)"`] };
    return {
        startupProbe: { exec, periodSeconds: 2, failureThreshold: 60, timeoutSeconds: 5 },
        readinessProbe: { exec, periodSeconds: 10, timeoutSeconds: 5 },
        livenessProbe: { exec, periodSeconds: 20, failureThreshold: 3, timeoutSeconds: 5 },
    };
}

/**
 * Ends a rollout that doesn't get anywhere. Kubernetes only notes that its deadline has passed, and the provider goes on
 * waiting: its own timeout ends the wait, a little later so that it can tell Kubernetes' reason.
 */
export function rolloutTimeout({ rolloutTimeoutSeconds }: WorkloadArgs): CustomResourceOptions {
    const timeout = `${rolloutTimeoutSeconds + 30}s`;
    return { customTimeouts: { create: timeout, update: timeout } };
}
