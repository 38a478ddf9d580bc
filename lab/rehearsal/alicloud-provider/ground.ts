import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { state } from "../../../toolchain/places";
import { writeWhole } from "../../machine/files";
import { ensurePackages } from "../../machine/host";
import { addresses, feedNode, inNode, kubectl, nodeNetwork } from "../../machine/kubernetes";
import { slsCommand } from "../../machine/sls";
import { Cloud, type Given } from "./cloud";
import { serveMongo } from "./mongo";
import { end, endAll, ensureServer } from "./processes";
import { serveRedis } from "./redis";
import { machineSite, type Place } from "./sites";
import { authorityFile, ensureCertificate, mongoType, redisType } from "./stores";

/** The folder of the machine's cloud. */
export const cloudFolder = join(state, "cloud");

/** The address of the public services: the registry and the stand-in for SLS. */
const servicePlace = { address: "10.88.17.1", port: 443 };
const hostsFile = "/etc/hosts";
const hostsMark = "# sms-machine";
const dockerCertificates = "/etc/docker/certs.d";

/** The parts of the cloud that exist before the program runs. */
export interface Ground {
    readonly region: string;
    readonly given: Given;
    /** The names of the registry, for pushes and for pulls. */
    readonly registryHosts: readonly string[];
    /** The path of the registry's htpasswd file. */
    readonly registryUsers: string;
    /** The access keys that may write logs, each with its secret. */
    readonly logKeys: Readonly<Record<string, string>>;
}

/** Starts the cloud with all its instances. The machine's cluster must run. */
export async function ensureCloud({ region, given, registryHosts, registryUsers, logKeys }: Ground): Promise<void> {
    mkdirSync(join(cloudFolder, "logs"), { recursive: true, mode: 0o700 });
    writeWhole(join(cloudFolder, "given.json"), JSON.stringify(given, undefined, 4));
    const cloud = new Cloud(cloudFolder, machineSite, region);
    await ensurePackages("cloud");
    await machineSite.settle(servicePlace);
    // The docker daemon on this host pushes to this address.
    await execa("ip", ["route", "replace", `${servicePlace.address}/32`, "via", (await addresses()).node]);
    await ensureRegistry(cloud, registryHosts, registryUsers);
    await ensureLogEnd(logKeys);
    await ensureNames();
    await resume(cloud);
}

/** Starts the stores' servers again, for example after a power cut. */
async function resume(cloud: Cloud): Promise<void> {
    // The next `up` finishes a store that is still `Creating`.
    const isMade = ({ status }: { status: string }) => status !== "Creating";
    for (const holding of cloud.all(redisType).filter(isMade)) {
        await serveRedis(cloud, holding);
    }
    for (const holding of cloud.all(mongoType).filter(isMade)) {
        await serveMongo(cloud, holding);
    }
}

/** Ends all processes of `ensureCloud` and the provider, and undoes their changes outside the machine's folders. */
export async function removeCloud(): Promise<void> {
    if (!existsSync(cloudFolder)) {
        return;
    }
    await endAll();
    // Changes inside the node are removed with the node.
    await execa("ip", ["route", "delete", `${servicePlace.address}/32`], { reject: false });
    const names = join(cloudFolder, "registry", "names");
    for (const host of existsSync(names) ? readFileSync(names, "utf8").split("\n") : []) {
        rmSync(join(dockerCertificates, host), { recursive: true, force: true });
    }
    setHosts([]);
    rmSync(cloudFolder, { recursive: true, force: true });
}

/** Starts a registry with TLS under the cloud's names. docker pushes to one name, nodes pull from the other. */
async function ensureRegistry(cloud: Cloud, hosts: readonly string[], users: string): Promise<void> {
    const folder = join(cloudFolder, "registry");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const names = join(folder, "names");
    if (existsSync(names) && readFileSync(names, "utf8") !== hosts.join("\n")) {
        await end("registry");
        rmSync(join(folder, "tls.pem"), { force: true });
    }
    writeWhole(names, hosts.join("\n"));
    const { key, certificate } = await ensureCertificate(cloud, folder, hosts, servicePlace);
    const configuration = join(folder, "registry.yaml");
    writeWhole(
        configuration,
        `version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: ${join(folder, "data")} }
  delete: { enabled: true }
http:
  addr: ${servicePlace.address}:${servicePlace.port}
  tls: { certificate: ${certificate}, key: ${key} }
auth:
  htpasswd: { realm: sms-machine, path: ${users} }
`,
    );
    for (const host of hosts) {
        mkdirSync(join(dockerCertificates, host), { recursive: true });
        writeFileSync(join(dockerCertificates, host, "ca.crt"), readFileSync(authorityFile(cloud)));
        const there = `/etc/containerd/certs.d/${host}`;
        await inNode("mkdir", "-p", there);
        await feedNode(readFileSync(authorityFile(cloud), "utf8"), "tee", `${there}/ca.crt`);
        await feedNode(`[host."https://${host}"]\n  ca = "${there}/ca.crt"\n`, "tee", `${there}/hosts.toml`);
    }
    setHosts(hosts);
    await feedNode(`${withHosts(await inNode("cat", hostsFile), hosts)}`, "tee", hostsFile);
    await ensureServer({
        id: "registry",
        command: "/usr/bin/docker-registry",
        args: ["serve", configuration],
        before: await nodeNetwork(),
        folder,
        isReady: () => connects(servicePlace),
    });
}

async function ensureLogEnd(keys: Readonly<Record<string, string>>): Promise<void> {
    const folder = join(cloudFolder, "sls");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keyFile = join(folder, "keys.json");
    writeWhole(keyFile, JSON.stringify(keys));
    const place = { ...servicePlace, port: 10011 };
    const listen = `${place.address}:${place.port}`;
    const command = await slsCommand({ listen, logs: join(cloudFolder, "logs"), keys: keyFile });
    await ensureServer({ id: "sls", ...command, before: await nodeNetwork(), folder, isReady: () => connects(place) });
}

function connects({ address, port }: Place): Promise<boolean> {
    return new Promise((done) => {
        const socket = createConnection(port, address, () => {
            socket.destroy();
            done(true);
        }).on("error", () => done(false));
    });
}

const storeName = "x(?P<a>[0-9]+)x(?P<b>[0-9]+)x(?P<c>[0-9]+)x(?P<d>[0-9]+)[.](redis|mongodb)[.]rds[.]aliyuncs[.]com[.]$";

/** The DNS zone of the cloud's names for pods. A store's name contains its address. Other names are forwarded as before. */
export const zone = `aliyuncs.com:53 {
    template IN A aliyuncs.com {
        match ${storeName}
        answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
        fallthrough
    }
    template IN A log.aliyuncs.com {
        answer "{{ .Name }} 60 IN A ${servicePlace.address}"
    }
    template IN AAAA aliyuncs.com {
        match ${storeName}
        match [.]log[.]aliyuncs[.]com[.]$
        rcode NOERROR
        fallthrough
    }
    forward . /etc/resolv.conf
}
`;

async function ensureNames(): Promise<void> {
    const inSystem = ["--namespace", "kube-system"];
    const found = await kubectl(...inSystem, "get", "configmap", "coredns", "-o", "jsonpath={.data.Corefile}");
    if (!found.includes(zone)) {
        const patch = JSON.stringify({ data: { Corefile: `${zone}${found.replace(/^aliyuncs\.com:53 \{\n[\s\S]*?\n\}\n/, "")}` } });
        await kubectl(...inSystem, "patch", "configmap", "coredns", "--patch", patch);
        await kubectl(...inSystem, "rollout", "restart", "deployment/coredns");
    }
    await kubectl(...inSystem, "rollout", "status", "deployment/coredns", "--timeout=120s");
}

/** The text of a hosts file with the registry's names. */
function withHosts(list: string, hosts: readonly string[]): string {
    const others = list
        .split("\n")
        .filter((line) => !line.endsWith(hostsMark))
        .join("\n")
        .trimEnd();
    return `${others}\n${hosts.map((host) => `${servicePlace.address} ${host} ${hostsMark}\n`).join("")}`;
}

/** Writes the names into this host's own /etc/hosts, for docker. */
function setHosts(hosts: readonly string[]): void {
    // Written in place, because the file is a mount in a container.
    writeFileSync(hostsFile, withHosts(readFileSync(hostsFile, "utf8"), hosts));
}

/** An address on no whitelist. The rehearsal checks that the stores refuse it. */
export const strangerAddress = servicePlace.address;
