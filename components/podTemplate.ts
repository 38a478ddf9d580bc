import type { core } from "@pulumi/kubernetes/types/input";
import type { Input } from "@pulumi/pulumi";

/** What the scheduler sets aside (requests) and what a pod may use at most (limits). */
export interface Resources {
    requests: { cpu: string; memory: string };
    limits: { cpu: string; memory: string };
}

/** A volume where it is mounted: `{ name: "tmp", mountPath: "/tmp", emptyDir: {} }`. */
export interface Volume extends core.v1.Volume {
    name: string;
    mountPath: string;
    readOnly?: boolean;
}

/** A container that starts before the pod's own and ends after it (Kubernetes' native sidecar). */
export interface Sidecar extends Omit<core.v1.Container, "securityContext" | "volumeMounts" | "restartPolicy"> {
    name: string;
    /** A volume without a source is one of the pod's others. */
    volumes: Volume[];
}

export interface PodTemplateArgs {
    /** The container's name and the pods' `app` label. */
    name: string;
    container: Omit<core.v1.Container, "name" | "securityContext" | "volumeMounts">;
    /** Where the container serves `/metrics`, for a Prometheus that finds pods by their annotations. */
    metricsPort?: number;
    /** All that the container can write to; a volume without a source comes from the controller (volumeClaimTemplates). */
    volumes: Volume[];
    /** They start in this order and end in the opposite one. */
    sidecars?: Sidecar[];
    gracePeriodSeconds: number;
    pullSecret: Input<string>;
    /** What else is to be said of the pod. */
    spec?: Pick<core.v1.PodSpec, "restartPolicy" | "topologySpreadConstraints" | "nodeSelector">;
}

/** Neither root nor any user that an image knows. */
const userId = 10001;

/** The label of every pod of the product, Jobs and stores too: the NetworkPolicies go by it. */
export const partOf = { "app.kubernetes.io/part-of": "sms" };

/** One container with nothing that it doesn't need: what every pod of the product, the stores' too, is made from. */
export function podTemplate({ sidecars = [], ...args }: PodTemplateArgs): core.v1.PodTemplateSpec {
    const volumes = [...args.volumes, ...sidecars.flatMap((sidecar) => sidecar.volumes)];
    return {
        metadata: {
            // Nothing versioned: a label that changes with a release would cut a Service off its pods. By the second one all of
            // the product's pods are found; selectors do without it, as they can't be changed.
            labels: { app: args.name, ...partOf },
            ...(args.metricsPort === undefined ? {} : { annotations: scraped(args.metricsPort) }),
        },
        spec: {
            ...args.spec,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: {
                runAsNonRoot: true,
                runAsUser: userId,
                runAsGroup: userId,
                fsGroup: userId,
                fsGroupChangePolicy: "OnRootMismatch",
                seccompProfile: { type: "RuntimeDefault" },
            },
            imagePullSecrets: [{ name: args.pullSecret }],
            terminationGracePeriodSeconds: args.gracePeriodSeconds,
            ...(sidecars.length > 0
                ? { initContainers: sidecars.map((sidecar) => ({ ...secured(sidecar), restartPolicy: "Always" })) }
                : {}),
            containers: [secured({ ...args.container, name: args.name, volumes: args.volumes })],
            volumes: volumes.filter(hasSource).map(({ mountPath, readOnly, ...volume }) => volume),
        },
    };
}

/** The container with the least that it can do with. */
function secured({ volumes, ...container }: Sidecar): core.v1.Container {
    return {
        ...container,
        // The last lines of one that fails become its status, where `pulumi up` and `kubectl describe` show them.
        terminationMessagePolicy: "FallbackToLogsOnError",
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
        volumeMounts: volumes.map(({ name, mountPath, readOnly }) => ({ name, mountPath, readOnly })),
    };
}

function scraped(port: number) {
    return { "prometheus.io/scrape": "true", "prometheus.io/port": `${port}`, "prometheus.io/path": "/metrics" };
}

function hasSource({ name, mountPath, readOnly, ...source }: Volume) {
    return Object.keys(source).length > 0;
}
