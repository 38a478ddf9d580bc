import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { join } from "node:path";
import { network, nodeName, publishedPorts } from "../../toolchain/places";
import { MachineError, step } from "../../toolchain/progress";
import { takeOverPreparation } from "./daemons";
import type { Docker } from "./docker";
import { machineOn } from "./owner";
import { install } from "./packages";
import { isFree } from "./ports";

/** A mark of earlier versions of this project, whose cluster ran on the host itself. */
const earlierCluster = "/etc/kubernetes/made-by-sms-machine";

/** Measured: the cluster, the stores and the product need 2.5 GiB. Builds need the rest. */
const leastMemoryGiB = 6;

/** The Debian packages of each part. Each package stands behind one of its files. */
const packages = {
    docker: {
        "/usr/bin/docker": "docker.io",
        "/usr/sbin/dockerd": "docker.io",
        "/usr/sbin/iptables": "iptables",
        "/usr/sbin/ip": "iproute2",
    },
    images: { "/usr/sbin/debootstrap": "debootstrap" },
    tests: { "/usr/bin/redis-server": "redis-server" },
    /** Servers of the rehearsal's cloud. */
    cloud: { "/usr/bin/redis-server": "redis-server", "/usr/bin/docker-registry": "docker-registry" },
};

/** Whether the host runs Debian or a distribution that is based on it. */
export function isDebian(): boolean {
    return (
        existsSync("/etc/os-release") &&
        /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8")) &&
        existsSync("/usr/bin/apt-get")
    );
}

/** What the stack needs from this host. */
export interface Wanted {
    /** Whether the stack needs the one-node cluster, because it names no other cluster. */
    cluster: boolean;
    /** The daemon that answers. If there is none, this machine starts its own. */
    docker: Docker | undefined;
}

/** Throws a MachineError with all reasons why the machine can't run on this host. Changes nothing. */
export async function refuseUnfit({ cluster, docker }: Wanted): Promise<void> {
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
            `The docker daemon ${docker.host} has a machine of somebody else, or of a deleted installation: its network ${network} isn't this user's. Use another daemon, or ask the owner to run \`npm run down\`.`,
        );
    }
    if (cluster && totalmem() < leastMemoryGiB * 2 ** 30) {
        problems.push(
            `Memory is ${(totalmem() / 2 ** 30).toFixed(1)} GiB; the cluster and the product need ${leastMemoryGiB} GiB. Give the machine more.`,
        );
    }
    const hasNode = (await docker?.stateOf(nodeName)) !== undefined;
    for (const port of cluster && !hasNode ? publishedPorts : []) {
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

/** Reasons why this host can't run a docker daemon of the machine's own. */
function withoutDocker(): string[] {
    const start =
        "No docker daemon answers. Start Docker (Docker Desktop, OrbStack, colima or the service `docker`), and check with `docker version` that this user has access to it.";
    if (process.platform !== "linux" || !isDebian()) {
        return [start];
    }
    return process.getuid?.() === 0 ? [] : [`${start} Only root can start a daemon from Debian's packages instead.`];
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

/**
 * Takes the lock that allows only one `npm run up` or `down` at a time. The kernel releases it when the process ends, even if it is
 * killed. Returns a function that releases it earlier.
 */
export async function takeTurn(): Promise<() => void> {
    const endTurn = await holdTurn("sms-machine", "Another `npm run up` or `npm run down` is at work. Wait for it to end.");
    const endMarking = await takeOverPreparation();
    return () => {
        endMarking();
        endTurn();
    };
}

/**
 * Takes a lock that only one process of the host can hold. Throws a MachineError with `refusal` if it is held. Returns a function that
 * releases the lock before the process ends.
 */
export async function holdTurn(name: string, refusal: string): Promise<() => void> {
    if (process.platform !== "linux") {
        return () => {}; // The machine has no daemons of its own on other systems.
    }
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
        server.once("error", () => reject(new MachineError(refusal)));
        server.listen(`\0${name}`, resolve);
    });
    server.unref();
    return () => server.close();
}

/** The Debian mirror of the host's package manager. */
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
            "There is no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d, and base images are built from it. Add one that ends in /debian.",
        );
    }
    return mirror;
}
