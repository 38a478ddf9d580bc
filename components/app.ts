import type { core } from "@pulumi/kubernetes/types/input";
import type { CustomResourceOptions, Input } from "@pulumi/pulumi";
import { codeFolder, liveReload } from "./liveReload";
import { type Collector, logSidecars } from "./logs";
import { type Identity, type Placement, type PodTemplateArgs, podTemplate, type Resources, type Volume } from "./podTemplate";

/** The image and the environment that web, worker and beat share. */
export interface App {
    namespace: Input<string>;
    image: Input<string>;
    /** The image's platform, for example `linux/amd64`. Only nodes of this platform can run it. */
    platform: string;
    pullSecret?: Input<string>;
    identity?: Identity;
    /** Variables that aren't secret. */
    env: Record<string, string>;
    /** The name of the Secret with the secret variables. */
    secretEnv: Input<string>;
    /** The volume with the CA certificates that the stores' URLs name, if the connections use TLS. */
    storesCa?: Volume;
    /** Whether the processes can get changed code without a new image (liveReload.ts). */
    liveReload?: boolean;
    logs: {
        sizeLimit: string;
        /** Ships the pods' logs. Without a collector the logs stay in the pods. */
        collector?: Collector;
    };
}

/** The port on which web and workers serve `/metrics`: METRICS_PORT's default. No Service has this port. */
export const metricsPort = 8005;

/** The settings that web, worker and beat each have. */
export interface WorkloadArgs {
    app: App;
    /** The workload's own variables. They override the app's variables. */
    env: Record<string, string>;
    resources: Resources;
    gracePeriodSeconds: number;
    revisionHistoryLimit: number;
    rolloutTimeoutSeconds: number;
    placement?: Placement;
}

/** One process of the app: the parts in which web, worker and beat differ. */
export interface Process {
    name: string;
    /** The image's entrypoint starts this command. The entrypoint is process 1, so it receives a SIGTERM at any time and passes it on. */
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
    const live = app.liveReload ? liveReload(process.command, { image: app.image, resources: args.resources }) : undefined;
    return podTemplate({
        name: process.name,
        metricsPort: process.metricsPort,
        spec: process.spec,
        placement: { ...args.placement, nodeSelector: { ...args.placement?.nodeSelector, ...nodesOf(app.platform) } },
        gracePeriodSeconds: args.gracePeriodSeconds,
        pullSecret: app.pullSecret,
        identity: app.identity,
        container: {
            image: app.image,
            args: live?.command ?? process.command,
            workingDir: codeFolder,
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
            ...(live === undefined ? [] : [live.volume]),
        ],
        initContainers: live && [live.initContainer],
        sidecars: app.logs.collector && logSidecars(app.logs.collector, process.name, app),
    });
}

/** A node selector for a platform. Every kubelet sets these labels on its node. */
function nodesOf(platform: string): Record<string, string> {
    const [os = "", architecture = ""] = platform.split("/");
    return { "kubernetes.io/os": os, "kubernetes.io/arch": architecture };
}

/**
 * A process is alive if it touched its heartbeat file in the last minute. The probe starts no Python, and it doesn't fail when the broker
 * is down.
 */
export function heartbeatProbes(file: string): Process["probes"] {
    const exec = { command: ["sh", "-c", `test -n "$(find ${file} -mmin -1)"`] };
    return {
        startupProbe: { exec, periodSeconds: 2, failureThreshold: 60, timeoutSeconds: 5 },
        readinessProbe: { exec, periodSeconds: 10, timeoutSeconds: 5 },
        livenessProbe: { exec, periodSeconds: 20, failureThreshold: 3, timeoutSeconds: 5 },
    };
}

/**
 * Ends a rollout that makes no progress. When the deadline passes, Kubernetes only records it, and the provider still waits. The provider's
 * own timeout is 30 seconds longer, so that it can report Kubernetes' reason.
 */
export function rolloutTimeout({ rolloutTimeoutSeconds }: WorkloadArgs): CustomResourceOptions {
    const timeout = `${rolloutTimeoutSeconds + 30}s`;
    return { customTimeouts: { create: timeout, update: timeout } };
}
