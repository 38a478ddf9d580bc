import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { join } from "node:path";
import { takeOverPreparation } from "./daemons";
import type { Docker } from "./docker";
import { machineOn } from "./owner";
import { install } from "./packages";
import { network, nodeName, ownRegistry, publishedPorts, registryContainer } from "./places";
import { MachineError, step } from "./progress";

/** Where a machine of an earlier version of this project was: its cluster ran on the host itself. */
const earlierCluster = "/etc/kubernetes/made-by-sms-machine";

/** The cluster, the stores and the product were measured to need 2.5 GiB; builds take the rest. */
const leastMemoryGiB = 6;

/** What each part takes from Debian: a file of each package, and the package. */
const packages = {
    docker: {
        "/usr/bin/docker": "docker.io",
        "/usr/sbin/dockerd": "docker.io",
        "/usr/sbin/iptables": "iptables",
        "/usr/sbin/ip": "iproute2",
    },
    images: { "/usr/sbin/debootstrap": "debootstrap" },
    tests: { "/usr/bin/redis-server": "redis-server" },
    /** What the rehearsal's cloud runs. */
    cloud: { "/usr/bin/redis-server": "redis-server", "/usr/bin/docker-registry": "docker-registry" },
};

async function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
}

/** Debian, or a distribution that is made of it. */
export function isDebian(): boolean {
    return (
        existsSync("/etc/os-release") &&
        /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8")) &&
        existsSync("/usr/bin/apt-get")
    );
}

/** What is not there and has to be made on this host. */
export interface Wanted {
    /** The one-node cluster: the stack names no other. */
    cluster: boolean;
    /** The registry, with the base images in it: the stack names no other. */
    registry: boolean;
    /** The daemon that answers; without one it is made. */
    docker: Docker | undefined;
}

/** Refuses a host where it can't work, with all reasons at once and before anything is changed. */
export async function refuseUnfit({ cluster, registry, docker }: Wanted): Promise<void> {
    const problems: string[] = [];
    if (existsSync(earlierCluster)) {
        problems.push(
            "An earlier version of this project has a cluster on this host itself. Check that version out (6029f72 or older) and run its `npm run down`.",
        );
    }
    if (docker === undefined) {
        problems.push(...withoutDocker());
    }
    if (docker !== undefined && (await machineOn(docker)) === "foreign") {
        problems.push(
            `The docker daemon ${docker.host} has a machine of somebody else, or of an installation that is gone: its network ${network} isn't this user's. Use another daemon, or have its owner run \`npm run down\`.`,
        );
    }
    if (cluster && totalmem() < leastMemoryGiB * 2 ** 30) {
        problems.push(
            `Memory is ${(totalmem() / 2 ** 30).toFixed(1)} GiB; the cluster and the product need ${leastMemoryGiB} GiB. Give the machine more.`,
        );
    }
    const has = async (container: string) => (await docker?.stateOf(container)) !== undefined;
    const ports = [
        ...(cluster && !(await has(nodeName)) ? publishedPorts : []),
        ...(registry && !(await has(registryContainer)) ? [Number(ownRegistry.split(":")[1])] : []),
    ];
    for (const port of ports) {
        if (!(await isFree(port))) {
            problems.push(`Port ${port} on 127.0.0.1 is taken by another process. \`ss -ltnp 'sport = :${port}'\` shows it; end it.`);
        }
    }
    if (problems.length > 0) {
        throw new MachineError(
            `This host can't be the machine; nothing was changed.\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
        );
    }
}

/** Why no daemon can be made on this host. */
function withoutDocker(): string[] {
    const start =
        "No docker daemon answers. Start Docker (Docker Desktop, OrbStack, colima or the service `docker`), and see that this user may use it: `docker version`.";
    if (process.platform !== "linux" || !isDebian()) {
        return [start];
    }
    return process.getuid?.() === 0 ? [] : [`${start} Only root can have a daemon made of Debian's packages.`];
}

/** Installs the Debian packages that are missing. */
export async function ensurePackages(...parts: (keyof typeof packages)[]): Promise<void> {
    const files: Record<string, string> = Object.assign({}, ...parts.map((part) => packages[part]));
    const missing = Object.entries(files)
        .filter(([file]) => !existsSync(file))
        .map(([, name]) => name);
    if (missing.length === 0) {
        return;
    }
    await step(`Debian packages: ${missing.join(" ")}`, () => install(missing));
}

/** One `npm run up` or `down` at a time: the turn ends with its holder, however that ends. Gives what ends it before. */
export async function takeTurn(): Promise<() => void> {
    const endTurn = await holdTurn("sms-machine", "Another `npm run up` or `npm run down` is at work. Wait for it to end.");
    const endMarking = await takeOverPreparation();
    return () => {
        endMarking();
        endTurn();
    };
}

/** Holds what only one process of the host may have at a time, or fails with `refusal`. Gives what ends it before the process does. */
export async function holdTurn(name: string, refusal: string): Promise<() => void> {
    if (process.platform !== "linux") {
        return () => {}; // Nothing of the machine's own runs there.
    }
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
        server.once("error", () => reject(new MachineError(refusal)));
        server.listen(`\0${name}`, resolve);
    });
    server.unref();
    return () => server.close();
}

/** The host's Debian mirror, as its own package manager uses it. */
export function debianMirror(): string {
    const folder = "/etc/apt/sources.list.d";
    const sources = ["/etc/apt/sources.list", ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])];
    const uris = sources
        .filter((file) => existsSync(file))
        .flatMap((file) =>
            [...readFileSync(file, "utf8").matchAll(/^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+)/gm)].map((match) => match[1] as string),
        );
    const mirror = uris.find((uri) => /\/debian\/?$/.test(uri));
    if (mirror === undefined) {
        throw new MachineError(
            "No Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d: base images are made from it. Add one that ends in /debian.",
        );
    }
    return mirror;
}
