/** Rules for beat. There must be exactly one. A second one sends no tick again (app/sms/ticks.py), so it is only a cost. */
import { podsOf } from "./pods";
import { objectName, type Resource, type ResourcePolicy, type StackPolicy } from "./policy";

/** Whether its pods run `celery … beat`, under any name. A worker with `--beat` counts too. */
function runsBeat(resource: Resource): boolean {
    return podsOf(resource).some(({ containers }) =>
        containers.some(({ command = [], args = [] }) => {
            const words = [...command, ...args].filter((word) => typeof word === "string");
            return (
                words.some((word) => /(^|[\s/])celery$|(^|[\s/])celery\s/.test(word)) &&
                words.some((word) => /(^|\s)(beat|--beat|-B)(\s|$)/.test(word))
            );
        }),
    );
}

export const beatRunsAlone: ResourcePolicy = {
    name: "beat-alone",
    description: "Beat has one pod, and the old pod ends before the new pod starts.",
    faults: (resource) => {
        if (!runsBeat(resource)) {
            return [];
        }
        const owner = objectName(resource);
        if (resource.type !== "kubernetes:apps/v1:Deployment") {
            return [`${owner} runs beat as a ${resource.type.split(":").at(-1)}; allowed: a Deployment with the strategy Recreate`];
        }
        const { replicas = 1, strategy } = resource.inputs.spec;
        return [
            ...(replicas === 1 ? [] : [`${owner} runs beat with ${String(replicas)} replicas; allowed: 1`]),
            ...(strategy?.type === "Recreate"
                ? []
                : [`${owner} runs beat with the strategy ${strategy?.type ?? "RollingUpdate"}, so two at a time; allowed: Recreate`]),
        ];
    },
};

export const oneBeat: StackPolicy = {
    name: "one-beat",
    description: "A stack has exactly one beat.",
    faults: (resources) => {
        const beats = resources.filter(runsBeat).map(objectName);
        // If a program failed half-way, or if it is another program, it has no Celery workloads. Then it needs no beat.
        const hasCelery = resources.some((resource) => /celery/.test(JSON.stringify(podsOf(resource).map(({ containers }) => containers))));
        return beats.length === 1 || !hasCelery
            ? []
            : [`The stack has ${beats.length} beats${beats.length ? `: ${beats.join(", ")}` : ""}; allowed: 1`];
    },
};
