/** A namespace is closed before anything is opened. */
import { isOnline, objectName, type Resource, type StackPolicy, unknown } from "./policy";

function closes({ type, inputs: { metadata, spec } }: Resource, namespace: string): boolean {
    return (
        type === "kubernetes:networking.k8s.io/v1:NetworkPolicy" &&
        [namespace, unknown].includes(metadata?.namespace) &&
        JSON.stringify(spec?.podSelector) === "{}" &&
        ["Ingress", "Egress"].every((direction) => spec.policyTypes?.includes(direction) && spec[direction.toLowerCase()] === undefined)
    );
}

export const namespacesAreClosed: StackPolicy = {
    name: "namespaces-closed",
    description: "Online, nothing gets into or out of a namespace's pods unless a NetworkPolicy opens the way.",
    faults: (resources) =>
        resources
            .filter((resource) => resource.type === "kubernetes:core/v1:Namespace" && isOnline(resource))
            .map(objectName)
            .filter((namespace) => !resources.some((resource) => closes(resource, namespace)))
            .map((namespace) => `Namespace ${namespace} has no NetworkPolicy that denies all; set sms:networkPolicies.enabled to true`),
};
