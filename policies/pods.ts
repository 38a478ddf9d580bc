import { type Inputs, objectName, type Resource, unknown } from "./policy";

/** The pods that a resource runs. */
export interface Pods {
    /** Its name in messages: `Deployment sms-web`. */
    readonly owner: string;
    /** Whether the pods must always run. A Job's pods end. */
    readonly isService: boolean;
    readonly spec: Inputs;
    /** The containers that run at the same time. */
    readonly containers: readonly Inputs[];
    /** The init containers, including native sidecars. */
    readonly initContainers: readonly Inputs[];
}

const podSpecOf: Record<string, (inputs: Inputs) => unknown> = {
    "kubernetes:core/v1:Pod": ({ spec }) => spec,
    "kubernetes:apps/v1:Deployment": template,
    "kubernetes:apps/v1:StatefulSet": template,
    "kubernetes:apps/v1:DaemonSet": template,
    "kubernetes:apps/v1:ReplicaSet": template,
    "kubernetes:batch/v1:Job": template,
    "kubernetes:batch/v1:CronJob": ({ spec }) => template({ spec: spec?.jobTemplate?.spec }),
};

/** The resource's pods, if it has any and they are known. */
export function podsOf(resource: Resource): Pods[] {
    const spec = podSpecOf[resource.type]?.(resource.inputs);
    if (typeof spec !== "object" || spec === null) {
        return [];
    }
    const [, group = "", kind = ""] = resource.type.split(":");
    return [
        {
            owner: `${kind} ${objectName(resource)}`,
            isService: group !== "batch/v1",
            spec,
            containers: listOf((spec as Inputs).containers),
            initContainers: listOf((spec as Inputs).initContainers),
        },
    ];
}

function template({ spec }: Inputs): unknown {
    return spec?.template?.spec;
}

/** The known members of a list. The list itself may be absent or unknown. */
export function listOf(value: unknown): Inputs[] {
    return Array.isArray(value) ? value.filter((member) => member !== unknown) : [];
}
