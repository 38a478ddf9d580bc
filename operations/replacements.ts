/** Which changes replace a resource, and which replacements are by design. */
import { tables } from "./alicloud/table";
import type { Resource } from "./resources";
import type { PropertyChange, Value } from "./values";

/**
 * Properties whose change makes Kubernetes' provider replace the object (pulumi-kubernetes 4.25.0, provider/pkg/provider/diff.go). An
 * object's name and namespace do so for every kind. The table has only the kinds that this program creates.
 */
const kubernetes: Readonly<Record<string, RegExp>> = {
    Deployment: /^spec\.selector\b/,
    StatefulSet: /^spec\.(podManagementPolicy|revisionHistoryLimit|selector|serviceName|volumeClaimTemplates)\b/,
    Job: /^spec\.(completions|parallelism|selector|template)\b/,
    PersistentVolumeClaim: /^spec\.(accessModes|selector|storageClassName|volumeName)\b/,
    Service: /^spec\.clusterIP\b/,
    RoleBinding: /^roleRef\b/,
};

/** Properties of a Secret or ConfigMap that can't change if `immutable` is true. */
const contents = /^(type|stringData|data|binaryData)\b/;

/** Whether a change of this property replaces a resource of this type. For previews without a state, which can't ask the provider. */
export function isReplacedBy(type: string, { path, from }: PropertyChange, inputs: Value): boolean {
    if (type.startsWith("kubernetes:")) {
        const kind = String(type.split(":").at(-1));
        const isImmutable = (inputs as { immutable?: boolean })?.immutable === true && contents.test(path);
        return /^metadata\.(name|namespace)$/.test(path) || isImmutable || kubernetes[kind]?.test(path) === true;
    }
    const [property = ""] = path.split(/[.[]/);
    const table = (tables as Record<string, { inputs: Record<string, { replaces?: boolean | "ifTold" } | undefined> } | undefined>)[type];
    const replaces = table?.inputs[property]?.replaces ?? false;
    return replaces === "ifTold" ? from !== undefined : replaces;
}

/** Any change of their content replaces them by design, under a new name. The old object is deleted when nothing uses it any more. */
const anewByDesign = /^kubernetes:(batch\/v1:Job|core\/v1:(Secret|ConfigMap))$/;

/** Whether a replacement is the resource's normal way to change. It then loses no data and interrupts no service. */
export function isByDesign(type: string, nameByChance: Resource["nameByChance"]): boolean {
    return anewByDesign.test(type) && nameByChance !== undefined;
}
