import type { Inputs } from "./policy";

const images = "every image in it, also those that pods run and `rollback` goes back to";

/**
 * The data or the address that is lost if a resource is deleted or replaced, or undefined. The program's other resources lose nothing.
 * Online these resources are protected. If a preview would lose one of them, it says so.
 */
export function lostWith(type: string, inputs: Inputs = {}): string | undefined {
    // The cloud gives the next load balancer another host name.
    return type === "kubernetes:core/v1:Service" && inputs.spec?.type === "LoadBalancer"
        ? "the address that customers use"
        : lostWithType[type];
}

export const lostWithType: Readonly<Record<string, string>> = {
    "alicloud:kvstore/instance:Instance": "the tasks that wait in it",
    "alicloud:mongodb/instance:Instance": "the messages in it",
    "alicloud:log/project:Project": "the logs in it",
    "alicloud:log/store:Store": "the logs in it",
    // The provider deletes the old resource before it creates the new one.
    "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace": images,
    "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo": images,
    "kubernetes:core/v1:PersistentVolumeClaim": "the data on its volume",
    "kubernetes:core/v1:Namespace": "everything in it, volumes too",
};
