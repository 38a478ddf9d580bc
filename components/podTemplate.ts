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

export interface PodTemplateArgs {
    /** The container's name and the pods' `app` label. */
    name: string;
    container: Omit<core.v1.Container, "name" | "securityContext" | "volumeMounts">;
    /** All that the container can write to; a volume without a source comes from the controller (volumeClaimTemplates). */
    volumes: Volume[];
    gracePeriodSeconds: number;
    pullSecret: Input<string>;
}

/** Neither root nor any user that an image knows. */
const userId = 10001;

/** One container with nothing that it doesn't need: what every pod of the product, the stores' too, is made from. */
export function podTemplate(args: PodTemplateArgs): core.v1.PodTemplateSpec {
    return {
        // Nothing versioned: a label that changes with a release would cut a Service off its pods.
        metadata: { labels: { app: args.name } },
        spec: {
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
            containers: [
                {
                    ...args.container,
                    name: args.name,
                    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
                    volumeMounts: args.volumes.map(({ name, mountPath, readOnly }) => ({ name, mountPath, readOnly })),
                },
            ],
            volumes: args.volumes.filter(hasSource).map(({ mountPath, readOnly, ...volume }) => volume),
        },
    };
}

function hasSource({ name, mountPath, readOnly, ...source }: Volume) {
    return Object.keys(source).length > 0;
}
