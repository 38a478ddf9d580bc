import { tables } from "../../../operations/alicloud/table";
import type { Description } from "./description";
import { Refusal } from "./refusal";

const namespaceType = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace";
/** A namespace in an existing Enterprise instance. Images go to the machine's own registry, which has no namespaces. */
export const registryNamespace: Description = {
    type: namespaceType,
    ...tables[namespaceType],
    outputs: {},
    async order(cloud, { instanceId, name }) {
        if (!cloud.given.registries?.includes(String(instanceId))) {
            throw new Refusal("INSTANCE_NOT_EXIST", `The Container Registry instance ${instanceId} does not exist.`);
        }
        const id = `${instanceId}:${name}`;
        if (cloud.get(namespaceType, id) !== undefined) {
            throw new Refusal("NAMESPACE_ALREADY_EXIST", `The namespace ${name} is there already.`);
        }
        return { id, outputs: { defaultVisibility: "PRIVATE" } };
    },
    release: async (cloud, holding) => {
        const hasRepositories = cloud
            .all(registryRepository.type)
            .some(({ inputs }) => inputs.instanceId === holding.inputs.instanceId && inputs.namespace === holding.inputs.name);
        if (hasRepositories) {
            throw new Refusal("NAMESPACE_NOT_EMPTY", `The namespace ${holding.inputs.name} has repositories.`);
        }
        cloud.forget(holding);
        return "gone";
    },
};

/** A repository in a namespace. */
export const registryRepository: Description = {
    type: "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo",
    ...tables["alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo"],
    outputs: { repoId: "text" },
    async order(cloud, { instanceId, namespace, name }) {
        if (cloud.get(namespaceType, `${instanceId}:${namespace}`) === undefined) {
            throw new Refusal("NAMESPACE_NOT_EXIST", `The namespace ${namespace} does not exist.`);
        }
        const id = `${instanceId}:${namespace}:${name}`;
        if (cloud.get(registryRepository.type, id) !== undefined) {
            throw new Refusal("REPO_ALREADY_EXIST", `The repository ${namespace}/${name} is there already.`);
        }
        return { id, outputs: { repoId: `crr-${Buffer.from(id).toString("hex").slice(-16)}`, tagImmutability: false } };
    },
};
