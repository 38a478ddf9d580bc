import { hasPassword, namesCredential } from "../settings/credentials";
import { podsOf } from "./pods";
import { type Inputs, objectName, type ResourcePolicy } from "./policy";

export const credentialsInSecrets: ResourcePolicy = {
    name: "credentials-in-secrets",
    description:
        "Passwords, keys and connection URLs reach pods through Secrets. Everybody who sees a pod can read its variables and arguments.",
    faults: (resource) => [
        ...podsOf(resource).flatMap(({ owner, containers, initContainers }) =>
            [...containers, ...initContainers].flatMap((container) => [
                ...variableFaults(container).map((fault) => `${owner}: container ${container.name} ${fault}`),
                ...argumentFaults(container).map((fault) => `${owner}: container ${container.name} ${fault}`),
            ]),
        ),
        ...configMapFaults(resource.type, resource.inputs).map((fault) => `ConfigMap ${objectName(resource)} ${fault}`),
    ],
};

const instead = "allowed: a Secret";

/** The faults never have the value, because the messages go into logs and comments. */
function variableFaults({ env }: Inputs): string[] {
    return named(env).flatMap(({ name, value }) => faultOf(name, value).map((fault) => `has ${fault} in the variable ${name}; ${instead}`));
}

function argumentFaults({ command = [], args = [] }: Inputs): string[] {
    const words: unknown[] = [...(Array.isArray(command) ? command : []), ...(Array.isArray(args) ? args : [])];
    return words.flatMap((word, index) => {
        const [option = "", value = ""] = String(word).split(/=(.*)/s);
        const next = words[index + 1];
        const given = option.startsWith("-") ? value || (typeof next === "string" && !next.startsWith("-") ? next : "") : "";
        const fault = hasPassword(String(word)) ? ["an address with a password"] : given && holdsCredential(option) ? ["a credential"] : [];
        return fault.map((what) => `has ${what} in its arguments; ${instead}`);
    });
}

/** Names such as `--password-file` and `TOKEN_PATH` are for a credential's path, not for the credential. */
function holdsCredential(name: string): boolean {
    return namesCredential(name) && !/[-_](file|path|dir)$/i.test(name);
}

function configMapFaults(type: string, { data }: Inputs): string[] {
    return type === "kubernetes:core/v1:ConfigMap" && typeof data === "object"
        ? Object.entries(data ?? {}).flatMap(([name, value]) => faultOf(name, value).map((fault) => `has ${fault} in ${name}; ${instead}`))
        : [];
}

function faultOf(name: string, value: unknown): string[] {
    if (typeof value !== "string" || value === "") {
        return [];
    }
    return hasPassword(value) ? ["an address with a password"] : holdsCredential(name) ? ["a credential"] : [];
}

function named(env: unknown): { name: string; value: unknown }[] {
    return Array.isArray(env) ? env.filter((variable) => typeof variable === "object") : [];
}
