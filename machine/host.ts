import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { join } from "node:path";
import { ownProcesses, takeOverPreparation } from "./daemons";
import { install } from "./packages";
import { ownRegistry } from "./places";
import { MachineError, step } from "./progress";

/** Written before kubeadm makes its first file, so that a cluster of ours is told from anybody else's. */
export const clusterMarker = "/etc/kubernetes/made-by-sms-machine";

/** The cluster, the stores and the product were measured to need 2.5 GiB; builds take the rest. */
const leastMemoryGiB = 6;

/** Ports of the cluster's control plane, as kubeadm uses them, and of etcd. */
const clusterPorts = [6443, 10248, 10250, 10256, 10257, 10259, 10443, 20244, 2379];

/** What each part takes from Debian: a file of each package, and the package. */
const packages = {
    cluster: {
        "/usr/bin/containerd": "containerd",
        "/usr/sbin/runc": "runc",
        "/usr/lib/cni/bridge": "containernetworking-plugins",
        "/usr/bin/etcd": "etcd-server",
        "/usr/sbin/iptables": "iptables",
        "/usr/sbin/ipset": "ipset",
        "/usr/sbin/conntrack": "conntrack",
        "/usr/sbin/ip": "iproute2",
    },
    docker: {
        "/usr/sbin/dockerd": "docker.io",
        "/usr/bin/containerd": "containerd",
        "/usr/sbin/iptables": "iptables",
        "/usr/sbin/ip": "iproute2",
    },
    registry: {
        "/usr/bin/docker-registry": "docker-registry",
        "/usr/bin/htpasswd": "apache2-utils",
        "/usr/sbin/debootstrap": "debootstrap",
    },
    tests: { "/usr/bin/redis-server": "redis-server" },
};

/** What is not there and has to be made on this host. */
export interface Wanted {
    /** The one-node cluster: the stack names no other. */
    cluster: boolean;
    /** The registry, with the base images in it: the stack names no other. */
    registry: boolean;
    /** A docker daemon: none answers. */
    docker: boolean;
}

async function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer();
        server.once("error", () => resolve(false));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
}

function isDebian(): boolean {
    return (
        existsSync("/etc/os-release") &&
        /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8")) &&
        existsSync("/usr/bin/apt-get")
    );
}

function foreignCluster(): string | undefined {
    if (existsSync("/etc/kubernetes") && !existsSync(clusterMarker)) {
        const found = readdirSync("/etc/kubernetes").filter((name) => name.endsWith(".conf"));
        return found.length > 0 ? `/etc/kubernetes/${found[0]} belongs to a cluster that this machine did not make` : undefined;
    }
    return undefined;
}

/** Refuses a host where it can't work, with all reasons at once and before anything is changed. */
export async function refuseUnfit(wanted: Wanted): Promise<void> {
    const problems: string[] = [];
    const otherwise =
        "name a cluster and a registry of your own in Pulumi.local.yaml (sms:cluster.context, sms:registry and the images) and start docker";
    if (!wanted.cluster && !wanted.registry && !wanted.docker) {
        return;
    }
    if (process.platform !== "linux" || !isDebian()) {
        problems.push(`This is not Debian or Ubuntu (it is ${process.platform}). Use a Debian 12 virtual machine, or ${otherwise}.`);
    } else {
        if (process.getuid?.() !== 0) {
            problems.push(
                "This user is not root: containerd, kubelet and mounts need root. Run it as root in a virtual machine of your own.",
            );
        }
        const foreign = foreignCluster();
        if (wanted.cluster && foreign !== undefined) {
            problems.push(`A cluster is already here: ${foreign}. Use it: ${otherwise}.`);
        }
        if (wanted.cluster && totalmem() < leastMemoryGiB * 2 ** 30) {
            problems.push(
                `Memory is ${(totalmem() / 2 ** 30).toFixed(1)} GiB; the cluster and the product need ${leastMemoryGiB} GiB. Give the machine more.`,
            );
        }
        if (ownProcesses().length === 0) {
            const ports = [...(wanted.cluster ? clusterPorts : []), ...(wanted.registry ? [Number(ownRegistry.split(":")[1])] : [])];
            for (const port of ports) {
                if (!(await isFree(port))) {
                    problems.push(
                        `Port ${port} on 127.0.0.1 is taken by a process that this machine did not start. See \`ss -ltnp 'sport = :${port}'\` and end it.`,
                    );
                }
            }
        }
    }
    if (problems.length > 0) {
        throw new MachineError(
            `This host can't be the machine; nothing was changed.\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
        );
    }
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
