/**
 * A rule for namespaces: a NetworkPolicy must deny all traffic first. In another owner's namespace it must do so for the product's pods.
 */
import { objectName, type Resource, type StackPolicy, unknown } from "./policy";

const everyPod = {};
const everyPodOfTheProduct = { matchLabels: { "app.kubernetes.io/part-of": "sms" } };

function closes({ type, inputs: { metadata, spec } }: Resource, namespace: string, pods: readonly object[]): boolean {
    return (
        type === "kubernetes:networking.k8s.io/v1:NetworkPolicy" &&
        [namespace, unknown].includes(metadata?.namespace) &&
        pods.some((selector) => JSON.stringify(selector) === JSON.stringify(spec?.podSelector)) &&
        ["Ingress", "Egress"].every((direction) => spec.policyTypes?.includes(direction) && spec[direction.toLowerCase()] === undefined)
    );
}

export const namespacesAreClosed: StackPolicy = {
    name: "namespaces-closed",
    description: "Online, nothing gets into or out of a namespace's pods unless a NetworkPolicy opens the way.",
    faults: (resources) => {
        const online = resources.filter(({ isProduction }) => isProduction);
        const own = online.filter(({ type }) => type === "kubernetes:core/v1:Namespace").map(objectName);
        const others = online
            .filter(({ type }) => type === "kubernetes:apps/v1:Deployment")
            .map(({ inputs }) => inputs.metadata?.namespace)
            .filter((namespace): namespace is string => typeof namespace === "string" && !own.includes(namespace));
        const open = (namespaces: string[], ...pods: object[]) =>
            namespaces.filter((namespace) => !resources.some((resource) => closes(resource, namespace, pods)));
        return [...open(own, everyPod), ...open([...new Set(others)], everyPod, everyPodOfTheProduct)].map(
            (namespace) => `Namespace ${namespace} has no NetworkPolicy that denies all; set sms:networkPolicies.enabled to true`,
        );
    },
};
