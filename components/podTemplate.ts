import type { core } from "@pulumi/kubernetes/types/input";
import type { Input } from "@pulumi/pulumi";

/** The amounts that the scheduler reserves (requests) and the most that a pod may use (limits). */
export interface Resources {
    requests: { cpu: string; memory: string };
    limits: { cpu: string; memory: string };
}

/** The nodes on which pods may run, and the pods' priority if there isn't room for all. */
export interface Placement {
    /** The labels that a node must have, all of them. */
    nodeSelector?: Readonly<Record<string, string>>;
    tolerations?: readonly Toleration[];
    priorityClassName?: string;
}

/** A toleration in Kubernetes' form. */
export interface Toleration {
    key?: string;
    operator?: string;
    value?: string;
    effect?: string;
    tolerationSeconds?: number;
}

/** A pod's identity in the cluster and in Alibaba Cloud. */
export interface Identity {
    /** The ServiceAccount's name. */
    readonly name: Input<string>;
    /** The RAM role whose credentials the pod gets. ACK's webhook mounts a token for it (RRSA). */
    readonly ramRole?: string;
}

/** A volume with its mount path: `{ name: "tmp", mountPath: "/tmp", emptyDir: {} }`. */
export interface Volume extends core.v1.Volume {
    name: string;
    mountPath: string;
    readOnly?: boolean;
}

/** Another container of the pod. */
export interface OtherContainer extends Omit<core.v1.Container, "securityContext" | "volumeMounts" | "restartPolicy"> {
    name: string;
    /** A volume without a source refers to another volume of the pod. */
    volumes: Volume[];
}

export interface PodTemplateArgs {
    /** The container's name and the pods' `app` label. */
    name: string;
    container: Omit<core.v1.Container, "name" | "securityContext" | "volumeMounts">;
    /** The port of the container's `/metrics`, for a Prometheus that finds pods by their annotations. */
    metricsPort?: number;
    /** The container can write to these volumes only. A volume without a source comes from the controller (volumeClaimTemplates). */
    volumes: Volume[];
    /** Each ends before the next one starts, and all before the sidecars start. */
    initContainers?: OtherContainer[];
    /**
     * Containers that start before the pod's own and end after it (Kubernetes' native sidecars). They start in this order and end in the
     * reverse order.
     */
    sidecars?: OtherContainer[];
    gracePeriodSeconds: number;
    /** Undefined if anybody may pull the images. */
    pullSecret?: Input<string>;
    placement?: Placement;
    /** The default is the namespace's default ServiceAccount, which has no rights. */
    identity?: Identity;
    /** Further fields of the pod's spec. */
    spec?: Pick<core.v1.PodSpec, "restartPolicy" | "topologySpreadConstraints">;
}

/** Neither root nor a user that exists in an image. */
const userId = 10001;

/** The label of every pod of the product, including Jobs and stores. The NetworkPolicies select pods by it. */
export const partOf = { "app.kubernetes.io/part-of": "sms" };

/**
 * The prefix of labels and annotations that ACK's webhook reads (ack-pod-identity-webhook). The namespace needs no label if the pod has
 * one.
 */
export const podIdentity = "pod-identity.alibabacloud.com";

/** The template of every pod of the product, including the stores: one container without unnecessary rights. */
export function podTemplate({ initContainers = [], sidecars = [], ...args }: PodTemplateArgs): core.v1.PodTemplateSpec {
    const hasRole = args.identity?.ramRole !== undefined;
    const annotations = {
        ...(args.metricsPort === undefined ? {} : scraped(args.metricsPort)),
        ...(hasRole ? { [`${podIdentity}/only-containers`]: args.name } : {}),
    };
    const first = [...initContainers.map(secured), ...sidecars.map((sidecar) => ({ ...secured(sidecar), restartPolicy: "Always" }))];
    const volumes = [...args.volumes, ...sidecars.flatMap((sidecar) => sidecar.volumes)];
    return {
        metadata: {
            // No label has a version, because a label that changes with a release would separate a Service from its pods. The second label
            // finds all pods of the product. Selectors don't use it, because they can't be changed.
            labels: { app: args.name, ...partOf, ...(hasRole ? { [`${podIdentity}/injection`]: "on" } : {}) },
            ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        },
        spec: {
            ...args.spec,
            ...(args.placement as core.v1.PodSpec | undefined),
            ...(args.identity === undefined ? {} : { serviceAccountName: args.identity.name }),
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
            ...(args.pullSecret === undefined ? {} : { imagePullSecrets: [{ name: args.pullSecret }] }),
            terminationGracePeriodSeconds: args.gracePeriodSeconds,
            ...(first.length > 0 ? { initContainers: first } : {}),
            containers: [secured({ ...args.container, name: args.name, volumes: args.volumes })],
            volumes: volumes.filter(hasSource).map(({ mountPath, readOnly, ...volume }) => volume),
        },
    };
}

/** The container with the fewest rights that it needs. */
function secured({ volumes, ...container }: OtherContainer): core.v1.Container {
    return {
        ...container,
        // The last lines of a failed container become its status. `pulumi up` and `kubectl describe` show them.
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
