import type { Description } from "./description";
import { Refusal } from "./refusal";

const namespaceType = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace";
const visibilities = ["PUBLIC", "PRIVATE"];

function badName(name: string, kind: string, most: number): string | undefined {
    return name.length >= 2 && name.length <= most && /^[a-z0-9]+([._-][a-z0-9]+)*$/.test(name)
        ? undefined
        : `${kind} has 2 to ${most} lowercase letters, digits and single delimiters (. _ -) between them, got ${name}`;
}

/** A namespace in an Enterprise instance that is there. Images go to the machine's own registry, which knows no namespaces. */
export const registryNamespace: Description = {
    type: namespaceType,
    title: "alicloud_cr_ee_namespace",
    inputs: {
        instanceId: { kind: "text", isRequired: true, replaces: true },
        name: { kind: "text", isAutonamed: true, replaces: true, refuses: (name) => badName(String(name), "name", 120) },
        autoCreate: { kind: "flag" },
        defaultVisibility: { kind: "text", oneOf: visibilities, isChosen: true },
    },
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

/** A repository in such a namespace. */
export const registryRepository: Description = {
    type: "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo",
    title: "alicloud_cr_ee_repo",
    inputs: {
        instanceId: { kind: "text", isRequired: true, replaces: true },
        namespace: { kind: "text", isRequired: true, replaces: true },
        name: { kind: "text", isAutonamed: true, replaces: true, refuses: (name) => badName(String(name), "name", 64) },
        repoType: { kind: "text", isRequired: true, oneOf: visibilities },
        summary: { kind: "text", isRequired: true, between: [1, 100] },
        detail: { kind: "text", between: [1, 2000] },
        tagImmutability: { kind: "flag", isChosen: true },
    },
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
