import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { writeWhole } from "../files";
import { kubectl } from "../kubernetes";
import { registries, state } from "../places";
import { until } from "../progress";
import { slsCommand } from "../sls";
import { Cloud, type Given } from "./cloud";
import { serveMongo } from "./mongo";
import { end, endAll, ensureServing } from "./processes";
import { serveRedis } from "./redis";
import { clearMachineSite, machineSite, type Place } from "./sites";
import { authorityFile, ensureCertificate, mongoType, redisType } from "./stores";

/** Where the machine keeps the cloud. */
export const cloudFolder = join(state, "cloud");

/** The address of what the cloud serves to everybody: the registry and the end of SLS. */
const servicePlace = { address: "10.88.17.1", port: 443 };
const hostsFile = "/etc/hosts";
const hostsMark = "# sms-machine";
const dockerCertificates = "/etc/docker/certs.d";

/** What the cloud serves beyond what a program orders of it. */
export interface Ground {
    readonly region: string;
    readonly given: Given;
    /** The names of the registry, for pushes and for pulls. */
    readonly registryHosts: readonly string[];
    /** The file that lists who may push and pull. */
    readonly registryUsers: string;
    readonly registryStorage: string;
    /** Who may write logs: access key to its secret. */
    readonly logKeys: Readonly<Record<string, string>>;
}

/** Brings the cloud up, with every instance in it, on a machine that has its cluster. */
export async function ensureCloud({ region, given, registryHosts, registryUsers, registryStorage, logKeys }: Ground): Promise<void> {
    mkdirSync(join(cloudFolder, "logs"), { recursive: true, mode: 0o700 });
    writeWhole(join(cloudFolder, "given.json"), JSON.stringify(given, undefined, 4));
    const cloud = new Cloud(cloudFolder, machineSite, region);
    await machineSite.settle(servicePlace);
    await ensureRegistry(cloud, registryHosts, registryUsers, registryStorage);
    await ensureLogEnd(logKeys);
    await ensureRoom();
    await ensureNames();
    await resume(cloud);
}

/** In the cloud the control plane isn't on the nodes: here it reserves nothing of what the pods there would have. */
async function ensureRoom(): Promise<void> {
    const folder = "/etc/kubernetes/manifests";
    const inSystem = ["--namespace", "kube-system"];
    for (const name of readdirSync(folder)) {
        const manifest = readFileSync(join(folder, name), "utf8");
        const freed = manifest.replace(/(\n +requests:\n +cpu: )\d+m\n/, (_, before: string) => `${before}10m\n`);
        if (freed !== manifest) {
            writeWhole(join(folder, name), freed);
        }
    }
    const reserved = [
        "get",
        "pods",
        "--selector",
        "tier=control-plane",
        "-o",
        "jsonpath={.items[*].spec.containers[*].resources.requests.cpu}",
    ];
    await until(
        async () => /^10m( 10m)*$/.test(await kubectl("--request-timeout=2s", ...inSystem, ...reserved).catch(() => "")),
        120,
        () => "the control plane doesn't come back after it was restarted",
    );
    await kubectl(...inSystem, "set", "resources", "deployment/coredns", "--requests=cpu=10m");
}

/** Starts again what a power cut has ended. */
async function resume(cloud: Cloud): Promise<void> {
    // One that was never finished is the next `up`'s.
    const isMade = ({ status }: { status: string }) => status !== "Creating";
    for (const holding of cloud.all(redisType).filter(isMade)) {
        await serveRedis(cloud, holding);
    }
    for (const holding of cloud.all(mongoType).filter(isMade)) {
        await serveMongo(cloud, holding);
    }
}

/** Ends all that `ensureCloud` and the provider have started, and takes back what they changed outside of the machine's folders. */
export async function removeCloud(): Promise<void> {
    if (!existsSync(cloudFolder)) {
        return;
    }
    await endAll();
    await clearMachineSite();
    await execa("ip", ["address", "delete", `${servicePlace.address}/32`, "dev", "lo"], { reject: false });
    for (const host of existsSync(registries) ? readdirSync(registries) : []) {
        rmSync(join(dockerCertificates, host), { recursive: true, force: true });
    }
    setHosts([]);
    rmSync(cloudFolder, { recursive: true, force: true });
}

/** The machine's registry by the cloud's names, with TLS: docker pushes to the one, nodes pull from the other. */
async function ensureRegistry(cloud: Cloud, hosts: readonly string[], users: string, storage: string): Promise<void> {
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
  filesystem: { rootdirectory: ${storage} }
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
        mkdirSync(join(registries, host), { recursive: true });
        writeFileSync(join(registries, host, "hosts.toml"), `[host."https://${host}"]\n  ca = "${authorityFile(cloud)}"\n`);
    }
    setHosts(hosts);
    await ensureServing({
        id: "registry",
        command: "/usr/bin/docker-registry",
        args: ["serve", configuration],
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
    await ensureServing({ id: "sls", ...command, folder, isReady: () => connects(place) });
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

/** The names that pods find the cloud by; a store's carries its address. All others are asked for as before. */
const zone = `aliyuncs.com:53 {
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
    if (found.includes(zone)) {
        return;
    }
    const patch = JSON.stringify({ data: { Corefile: `${zone}${found.replace(/^aliyuncs\.com:53 \{\n[\s\S]*?\n\}\n/, "")}` } });
    await kubectl(...inSystem, "patch", "configmap", "coredns", "--patch", patch);
    await kubectl(...inSystem, "rollout", "restart", "deployment/coredns");
    await kubectl(...inSystem, "rollout", "status", "deployment/coredns", "--timeout=120s");
}

/** The names in this machine's own list, for docker and containerd. */
function setHosts(hosts: readonly string[]): void {
    const others = readFileSync(hostsFile, "utf8")
        .split("\n")
        .filter((line) => !line.endsWith(hostsMark))
        .join("\n")
        .trimEnd();
    const own = hosts.map((host) => `${servicePlace.address} ${host} ${hostsMark}\n`).join("");
    // Written in place: in a container the file is a mount.
    writeFileSync(hostsFile, `${others}\n${own}`);
}

/** For the rehearsal's check that nobody else gets in: an address that no whitelist names. */
export const strangerAddress = servicePlace.address;
