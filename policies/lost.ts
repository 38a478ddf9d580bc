import type { Inputs } from "./policy";

const images = "every image in it, also those that pods run and `rollback` goes back to";

/**
 * What is lost with a resource when it is deleted, or when another one takes its place: of all that the program makes, nothing else
 * loses anything. Online these are protected; a preview that would lose one says so.
 */
export function lostWith(type: string, inputs: Inputs = {}): string | undefined {
    // The cloud gives the next one another name.
    return type === "kubernetes:core/v1:Service" && inputs.spec?.type === "LoadBalancer"
        ? "the address that customers use"
        : lostWithType[type];
}

export const lostWithType: Readonly<Record<string, string>> = {
    "alicloud:kvstore/instance:Instance": "the tasks that wait in it",
    "alicloud:mongodb/instance:Instance": "the messages in it",
    "alicloud:log/project:Project": "the logs in it",
    "alicloud:log/store:Store": "the logs in it",
    // The provider deletes the old one before it makes the new one.
    "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace": images,
    "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo": images,
    "kubernetes:core/v1:PersistentVolumeClaim": "the data on its volume",
    "kubernetes:core/v1:Namespace": "everything in it, volumes too",
};
