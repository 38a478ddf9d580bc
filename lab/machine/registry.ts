/** The machine's registry: a container on the cluster's network that requires a password. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hash } from "bcryptjs";
import { network, ownRegistry, registryContainer, state } from "../../toolchain/places";
import { MachineError, until } from "../../toolchain/progress";
import type { Docker } from "./docker";
import { writeWhole } from "./files";
import { firstFree } from "./ports";
import { secret } from "./secrets";

export const registryUser = "sms";

/** The port that the registry's own process listens on. */
const innerPort = 5000;

/** The registry uses the first free of these ports on this host. On macOS, AirPlay occupies 5000. */
const ports = Array.from({ length: 20 }, (_, index) => 5000 + index);
const portFile = join(state, "registry-port");

/** The address of the machine's registry on this host. */
export function registryAddress(): string {
    return `127.0.0.1:${existsSync(portFile) ? readFileSync(portFile, "utf8") : ports[0]}`;
}

/** The user and the password in the format of HTTP Basic authentication and of docker's settings. */
export function registryAuth(): string {
    return Buffer.from(`${registryUser}:${secret("registry-password")}`).toString("base64");
}

/** The Secret with which pods pull from the registry. From Kubernetes 1.35, pods need it even for images that the node already has. */
export function pullSecret(namespace?: string): object {
    const auth = registryAuth();
    return {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "pull-secret", namespace },
        type: "kubernetes.io/dockerconfigjson",
        stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [registryAddress()]: { auth } } }) },
    };
}

/** The reference of a base image in the machine's registry. */
export function baseImage(name: string): string {
    return `${registryAddress()}/base/${name}`;
}

/** Replaces the registry's name in settings, as in `Pulumi.local.yaml`, by its real address. */
export function withRegistryAddress<T>(settings: T): T {
    const named = new RegExp(`^${ownRegistry}(?=$|/)`);
    const address = registryAddress();
    const text = JSON.stringify(settings, (_, value) => (typeof value === "string" ? value.replace(named, address) : value));
    return JSON.parse(text) as T;
}

async function choosePort(): Promise<void> {
    const port = await firstFree(ports);
    if (port === undefined) {
        throw new MachineError(
            `Each of the ports ${ports[0]} to ${ports.at(-1)} on 127.0.0.1 is taken by another process, and the registry needs one. \`ss -ltnp\` shows them; end one.`,
        );
    }
    writeWhole(portFile, `${port}`);
}

/** The path of a registry's htpasswd file: its users with the hashes of their passwords. */
export function usersFile(container = registryContainer): string {
    return join(state, `${container}.htpasswd`);
}

/** A registry in a container that requires a password. The user is `registryUser`. */
export interface Registry {
    readonly container: string;
    /** The docker network that it shares with the cluster's node. */
    readonly network: string;
    /** Its address for this host. The node uses the same name. */
    readonly address: string;
    readonly password: string;
}

/** Starts the machine's own registry. If its container doesn't exist, creates it from this image. */
export async function ensureRegistry(docker: Docker, image: string): Promise<Registry> {
    if ((await docker.stateOf(registryContainer)) === undefined) {
        await choosePort();
    }
    const registry = { container: registryContainer, network, address: registryAddress(), password: secret("registry-password") };
    await startRegistry(docker, image, registry);
    return registry;
}

export async function startRegistry(docker: Docker, image: string, { container, network, address, password }: Registry): Promise<void> {
    if ((await docker.stateOf(container)) === undefined) {
        const users = usersFile(container);
        writeWhole(users, `${registryUser}:${await hash(password, 10)}\n`);
        const settings = {
            REGISTRY_AUTH: "htpasswd",
            REGISTRY_AUTH_HTPASSWD_REALM: container,
            REGISTRY_AUTH_HTPASSWD_PATH: "/htpasswd",
            REGISTRY_LOG_LEVEL: "warn",
            REGISTRY_STORAGE_DELETE_ENABLED: "true",
        };
        const env = Object.entries(settings).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
        const publish = ["--publish", `${address}:${innerPort}`];
        await docker.run("create", "--name", container, "--network", network, ...publish, ...env, image);
        // Copied, not mounted, because the daemon may run on another host than this folder.
        await docker.run("cp", users, `${container}:/htpasswd`);
    }
    await docker.run("start", container);
    await until(
        async () => (await fetch(`http://${address}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined))?.status === 401,
        60,
        () => `the registry doesn't answer; see \`docker logs ${container}\``,
    );
}

/** Configures a node to reach the registry under its 127.0.0.1 name. The container's address may change with each start. */
export async function introduceRegistry(docker: Docker, { container, network, address }: Registry, node: string): Promise<void> {
    const there = await docker.run("inspect", "--format", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container);
    if (there === "") {
        throw new MachineError(`the registry has no address on the network ${network}; see \`docker inspect ${container}\``);
    }
    const folder = `/etc/containerd/certs.d/${address}`;
    await docker.run("exec", node, "mkdir", "-p", folder);
    // Also set as `server`: else, for a missing image, the node tries its own 127.0.0.1 and reports that error.
    const hosts = `server = "http://${there}:${innerPort}"\n[host."http://${there}:${innerPort}"]\n`;
    await docker.feed(hosts, "exec", "--interactive", node, "tee", `${folder}/hosts.toml`);
}

/** Removes a registry with all its images. */
export async function removeRegistry(docker: Docker, container = registryContainer): Promise<void> {
    if ((await docker.stateOf(container)) !== undefined) {
        await docker.run("rm", "--force", "--volumes", container);
    }
}
