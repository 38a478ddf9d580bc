import { type Inputs, objectName, type Resource, unknown } from "./policy";

/** The pods that a resource runs. */
export interface Pods {
    /** What people call it: `Deployment sms-web`. */
    readonly owner: string;
    /** Whether they are to run for ever; a Job's end. */
    readonly isService: boolean;
    readonly spec: Inputs;
    /** Those that run beside each other. */
    readonly containers: readonly Inputs[];
    /** The ones before them, native sidecars among them. */
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

/** The known members of a list that may be absent or not known as a whole. */
export function listOf(value: unknown): Inputs[] {
    return Array.isArray(value) ? value.filter((member) => member !== unknown) : [];
}
