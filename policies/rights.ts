/** Rules for rights in the cluster (RBAC) and in the account (RAM). The product's own pods need none of these rights. */
import { listOf } from "./pods";
import { type Inputs, objectName, type ResourcePolicy, unknown } from "./policy";

export const nobodyMayEverything: ResourcePolicy = {
    name: "no-wildcard-rights",
    description: "Nobody gets every right, in the cluster or in the account. A role or a policy names each right.",
    faults: (resource) => {
        const { type, inputs } = resource;
        const name = objectName(resource);
        const [, group = "", kind = ""] = type.split(":");
        if (group.startsWith("rbac.authorization.k8s.io/")) {
            return [...bindingFaults(inputs), ...roleFaults(inputs)].map((fault) => `${kind} ${name} ${fault}`);
        }
        if (type === "alicloud:ram/policy:Policy") {
            return statementFaults(inputs.policyDocument ?? inputs.document ?? inputs.statements).map(
                (fault) => `RAM policy ${name} ${fault}`,
            );
        }
        if (
            /^alicloud:ram\/(user|role|group)PolicyAttachment:/.test(type) &&
            /^(AdministratorAccess|AliyunRAMFullAccess)$/.test(inputs.policyName)
        ) {
            return [`${name} gives ${inputs.policyName}; allowed: a policy that names its actions, as those in docs/ram/`];
        }
        return type === "alicloud:ram/accessKey:AccessKey"
            ? [`${name} makes an AccessKey, whose secret would be in the state; allowed: an AccessKey from the console`]
            : [];
    },
};

const tooMuch = ["cluster-admin", "admin", "edit"];

function bindingFaults({ roleRef }: Inputs): string[] {
    return tooMuch.includes(roleRef?.name) ? [`gives ${roleRef.name}; allowed: a Role that names resources and verbs`] : [];
}

function roleFaults({ rules }: Inputs): string[] {
    return listOf(rules).flatMap(({ resources, verbs, apiGroups }) =>
        Object.entries({ resources, verbs, apiGroups })
            .filter(([, words]) => Array.isArray(words) && words.includes("*"))
            .map(([key]) => `allows "*" in ${key}; allowed: names`),
    );
}

/** A document is JSON or, for some resources, an object. If a document can't be read, the rule finds no faults. */
function statementFaults(document: unknown): string[] {
    return statementsIn(document)
        .filter(({ Effect, effect }) => (Effect ?? effect) === "Allow")
        .flatMap(({ Action, actions, Resource, resources }) => {
            const [does, to] = [wordsOf(Action ?? actions), wordsOf(Resource ?? resources)];
            return [
                ...does.filter((word) => /^(\*|\*:\*|ram:\*)$/.test(word)).map((word) => `allows the action "${word}"; allowed: names`),
                // One action may need all resources. All actions of a service on all resources are too much.
                ...(to.includes("*") && does.some((word) => /^\w+:\*$/.test(word))
                    ? ['allows every action of a service on "*"; allowed: names']
                    : []),
            ];
        });
}

function statementsIn(document: unknown): Inputs[] {
    if (document === unknown) {
        return [];
    }
    try {
        const read = typeof document === "string" ? JSON.parse(document) : document;
        return listOf(Array.isArray(read) ? read : [read?.Statement ?? []].flat());
    } catch {
        return [];
    }
}

function wordsOf(value: unknown): string[] {
    return [value ?? []].flat().map(String);
}
