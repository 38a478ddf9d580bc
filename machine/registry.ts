/** The machine's registry: a container on the cluster's network that asks for a password. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { hash } from "bcryptjs";
import type { Docker } from "./docker";
import { writeWhole } from "./files";
import { network, nodeName, ownRegistry, registryContainer, state } from "./places";
import { MachineError, until } from "./progress";
import { secret } from "./secrets";

export const registryUser = "sms";

/** The port that the registry's own process listens on. */
const innerPort = 5000;

/** Starts the registry, made of this image if it isn't there. The cluster's network and node are there. */
export async function ensureRegistry(docker: Docker, image: string): Promise<void> {
    if ((await docker.stateOf(registryContainer)) === undefined) {
        const users = join(state, "registry.htpasswd");
        mkdirSync(state, { recursive: true });
        writeWhole(users, `${registryUser}:${await hash(secret("registry-password"), 10)}\n`);
        const settings = {
            REGISTRY_AUTH: "htpasswd",
            REGISTRY_AUTH_HTPASSWD_REALM: "sms-machine",
            REGISTRY_AUTH_HTPASSWD_PATH: "/htpasswd",
            REGISTRY_LOG_LEVEL: "warn",
            REGISTRY_STORAGE_DELETE_ENABLED: "true",
        };
        await docker.run(
            "create",
            "--name",
            registryContainer,
            "--network",
            network,
            "--publish",
            `${ownRegistry}:${innerPort}`,
            ...Object.entries(settings).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
            image,
        );
        // Copied, not mounted: the daemon may be on another machine than this folder.
        await docker.run("cp", users, `${registryContainer}:/htpasswd`);
    }
    await docker.run("start", registryContainer);
    await until(
        async () =>
            (await fetch(`http://${ownRegistry}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined))?.status === 401,
        60,
        () => `the registry doesn't answer; see \`docker logs ${registryContainer}\``,
    );
}

/** Tells the node where the registry is that it knows as 127.0.0.1: the address may be another one after each start. */
export async function introduceRegistry(docker: Docker): Promise<void> {
    const address = await docker.run(
        "inspect",
        "--format",
        `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
        registryContainer,
    );
    if (address === "") {
        throw new MachineError(`the registry has no address on the network ${network}; see \`docker inspect ${registryContainer}\``);
    }
    const folder = `/etc/containerd/certs.d/${ownRegistry}`;
    await docker.run("exec", nodeName, "mkdir", "-p", folder);
    // Named as the server too: else the node asks its own 127.0.0.1 for what isn't there, and tells of that.
    const hosts = `server = "http://${address}:${innerPort}"\n[host."http://${address}:${innerPort}"]\n`;
    await docker.feed(hosts, "exec", "--interactive", nodeName, "tee", `${folder}/hosts.toml`);
}

/** With all images in it. */
export async function removeRegistry(docker: Docker): Promise<void> {
    if ((await docker.stateOf(registryContainer)) !== undefined) {
        await docker.run("rm", "--force", "--volumes", registryContainer);
    }
}
