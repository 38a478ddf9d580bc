import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { pauseImage } from "./containers";
import { type Daemon, ensureRunning, stop } from "./daemons";
import { writeWhole } from "./files";
import { clusterMarker } from "./host";
import { metricsApi, metricsApiName, metricsServer } from "./metrics";
import { unmountBelow } from "./mounts";
import { apiAddress, podCidr, serviceCidr } from "./network";
import { cache, containerdSocket, kubeconfig, logs, ownContext, state, volumes } from "./places";
import { MachineError, step, until } from "./progress";
import { built, kubernetesVersion } from "./toolchain";

export const nodeName = "sms-machine";
const corednsImage = "registry.k8s.io/coredns/coredns:v1.12.0";

const kubeletConfig = "/var/lib/kubelet/config.yaml";
const kubeadmConfig = join(state, "kubeadm.yaml");
const kubeadmPatches = join(state, "kubeadm-patches");
const controlPlane = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
/** There once kubeadm has ended well. */
const initialised = join(state, "cluster-initialised");

const answers = async (url: string) => (await fetch(url).catch(() => undefined))?.ok === true;

const etcd: Daemon = {
    name: "etcd",
    command: "/usr/bin/etcd",
    args: [
        "--data-dir",
        join(state, "etcd"),
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        // One node on one disk, and nothing in it that `npm run up` can't make again.
        "--unsafe-no-fsync",
    ],
    isReady: () => answers("http://127.0.0.1:2379/health"),
};

const kubelet = (commands: string): Daemon => ({
    name: "kubelet",
    command: join(commands, "kubelet"),
    args: [
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        `--config=${kubeletConfig}`,
        `--hostname-override=${nodeName}`,
        `--node-ip=${apiAddress}`,
    ],
    isReady: () => answers("http://127.0.0.1:10248/healthz"),
});

const kubeProxy = (commands: string): Daemon => ({
    name: "kube-proxy",
    command: join(commands, "kube-proxy"),
    args: [
        `--kubeconfig=${kubeconfig}`,
        `--hostname-override=${nodeName}`,
        "--proxy-mode=iptables",
        `--cluster-cidr=${podCidr}`,
        // NodePorts answer on the loopback and nowhere else.
        "--nodeport-addresses=127.0.0.0/8",
        // 0 leaves the host's connection tracking as it is.
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ],
    isReady: () => answers("http://127.0.0.1:10256/livez"),
});

/** Cuts pods off as NetworkPolicies say. */
export async function ensureNetworkPolicies(): Promise<void> {
    await ensureRunning({
        name: "network-policies",
        command: join(await built("network-policies"), "network-policies"),
        args: [`-kubeconfig=${kubeconfig}`, `-node=${nodeName}`, `-service-cidr=${serviceCidr}`, "-health=127.0.0.1:20244"],
        isReady: () => answers("http://127.0.0.1:20244/healthz"),
    });
}

const storageProvisioner = (commands: string): Daemon => ({
    name: "storage-provisioner",
    command: join(commands, "storage-provisioner"),
    args: [`-kubeconfig=${kubeconfig}`, `-directory=${volumes}`],
    isReady: async () => true,
});

/** kubectl against the machine's own cluster. */
export async function kubectl(...args: string[]): Promise<string> {
    const { stdout } = await execa(join(await built("kubernetes"), "kubectl"), ["--kubeconfig", kubeconfig, ...args]);
    return stdout;
}

/** Makes the items what they say. */
export function apply(...items: object[]): Promise<void> {
    return applyWith([], items);
}

/** All of them in this namespace. */
export function applyIn(namespace: string, items: readonly object[]): Promise<void> {
    return applyWith(["--namespace", namespace], items);
}

async function applyWith(flags: readonly string[], items: readonly object[]): Promise<void> {
    const args = ["--kubeconfig", kubeconfig, ...flags, "apply", "--filename", "-"];
    await execa(join(await built("kubernetes"), "kubectl"), args, {
        input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    });
}

/** The same while the API server may be away: nothing then. */
async function tryKubectl(...args: string[]): Promise<string> {
    return kubectl("--request-timeout=2s", ...args).catch(() => "");
}

/** A one-node Kubernetes made by kubeadm; started again on what is there, if it was made before. */
export async function ensureCluster(dockerHost: string): Promise<void> {
    const commands = await built("kubernetes");
    await ensureControlPlaneImages(commands, dockerHost);
    const isNew = !existsSync(initialised);
    if (isNew) {
        // What a run that was killed half-way left behind is no cluster yet.
        await removeCluster();
    }
    await step("etcd", () => ensureRunning(etcd));
    if (isNew) {
        await step("Kubernetes by kubeadm", () => initialise(commands));
    }
    await step("Kubernetes", async () => {
        const since = new Date();
        const isFresh = (await ensureRunning(kubelet(commands))) === "started";
        // What the API server says of the node may be from before a power cut; a renewed lease is from now.
        const renewed = async () =>
            !isFresh ||
            new Date(await tryKubectl("-n", "kube-node-lease", "get", "lease", nodeName, "-o", "jsonpath={.spec.renewTime}")) > since;
        const ready = async () =>
            (await tryKubectl("get", "node", nodeName, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}")) === "True";
        await until(
            async () => (await renewed()) && (await ready()),
            180,
            () => `the node is not ready after 180 s; see ${join(logs, "kubelet.log")}`,
        );
        await Promise.all([
            ensureRunning(kubeProxy(commands)),
            ensureNetworkPolicies(),
            ensureRunning(await metricsServer()),
            ensureRunning(storageProvisioner(commands)),
            kubectl("apply", "-f", join(__dirname, "cluster.yaml")),
            apply(...metricsApi),
            removeFakeNodes(),
        ]);
        const serving = ["deployment/coredns", `apiservice/${metricsApiName}`];
        await kubectl("-n", "kube-system", "wait", "--for=condition=Available", ...serving, "--timeout=180s");
        return kubernetesVersion;
    });
}

/** The label of the nodes that fakeNodes.ts adds, and of the namespace whose pods run there. */
export const fakeNodes = "type=kwok";

/** Also those that a measurement has left that was killed. */
export async function removeFakeNodes(): Promise<void> {
    // No new pod can come there then; without its node Kubernetes removes the others by itself.
    await kubectl("delete", "namespaces", `--selector=${fakeNodes}`, "--wait=false");
    await kubectl("delete", "nodes", `--selector=${fakeNodes}`);
    await kubectl("uncordon", nodeName);
    await stop("kwok");
}

/** containerd's images, as the kubelet sees them. */
const imageCommand = ["--address", containerdSocket, "--namespace", "k8s.io", "images"];

/** The images that kubeadm's manifests name, one static binary in each. */
async function ensureControlPlaneImages(commands: string, dockerHost: string): Promise<void> {
    const coredns = await built("coredns");
    const images: Record<string, string> = {
        ...Object.fromEntries(controlPlane.map((name) => [`registry.k8s.io/${name}:v${kubernetesVersion}`, join(commands, name)])),
        [pauseImage]: join(commands, "pause"),
        [corednsImage]: join(coredns, "coredns"),
    };
    const { stdout } = await execa("ctr", [...imageCommand, "ls", "-q"]);
    const present = new Set(stdout.split("\n"));
    if (Object.keys(images).every((image) => present.has(image))) {
        return;
    }
    await step("images of the control plane", async () => {
        const archive = join(cache, "images", `control-plane-${basename(commands)}-${basename(coredns)}.tar`);
        if (!existsSync(archive)) {
            for (const [image, binary] of Object.entries(images)) {
                await imageOf(binary, image, dockerHost);
            }
            mkdirSync(dirname(archive), { recursive: true });
            await execa("docker", ["save", "--output", `${archive}.new`, ...Object.keys(images)], { env: { DOCKER_HOST: dockerHost } });
            renameSync(`${archive}.new`, archive);
        }
        await execa("ctr", [...imageCommand, "import", archive]);
    });
}

/** Gives the docker daemon an image of one static binary. */
export async function imageOf(binary: string, image: string, dockerHost: string): Promise<void> {
    const layer = execa("tar", ["-C", dirname(binary), "-c", basename(binary)], { buffer: false, encoding: "buffer" });
    const changes = [`ENTRYPOINT ["/${basename(binary)}"]`, "ENV PATH=/"].flatMap((line) => ["--change", line]);
    await layer.pipe("docker", ["import", ...changes, "-", image], { env: { DOCKER_HOST: dockerHost } });
}

/** Gives the node images that the docker daemon has: what anybody may pull where Docker Hub can be reached. */
export async function loadOntoNode(dockerHost: string, images: readonly string[]): Promise<void> {
    const saved = execa("docker", ["save", ...images], { env: { DOCKER_HOST: dockerHost }, buffer: false, encoding: "buffer" });
    await saved.pipe("ctr", [...imageCommand, "import", "-"]);
}

async function initialise(commands: string): Promise<void> {
    mkdirSync(dirname(clusterMarker), { recursive: true });
    writeFileSync(clusterMarker, "");
    writeWhole(kubeadmConfig, kubeadmSettings());
    mkdirSync(kubeadmPatches, { recursive: true });
    for (const name of controlPlane) {
        writeFileSync(join(kubeadmPatches, `${name}.json`), JSON.stringify(yieldingToPods(name)));
    }
    const init = execa(
        join(commands, "kubeadm"),
        ["init", `--config=${kubeadmConfig}`, "--skip-phases=addon/kube-proxy", "--ignore-preflight-errors=all"],
        { all: true },
    );
    const started = (async () => {
        // kubeadm asks systemd to start the kubelet; here nobody would answer.
        await until(
            async () => existsSync(kubeletConfig),
            60,
            () => "kubeadm writes no configuration for the kubelet",
        );
        await ensureRunning(kubelet(commands));
    })();
    try {
        await Promise.all([init, started]);
    } catch (error) {
        const { all } = await init.catch((failure) => failure);
        throw new MachineError(`kubeadm init failed: ${(error as Error).message}\n${all}`);
    }
    writeWhole(kubeconfig, readFileSync("/etc/kubernetes/admin.conf", "utf8").replaceAll("kubernetes-admin@kubernetes", ownContext));
    // kubeadm's second pod is for a second node, and its probe first looks after up to ten seconds.
    const container = { name: "coredns", readinessProbe: { periodSeconds: 1 } };
    const spec = { replicas: 1, template: { spec: { containers: [container] } } };
    await kubectl("-n", "kube-system", "patch", "deployment/coredns", "--patch", JSON.stringify({ spec }));
    writeWhole(initialised, "");
}

/** kubeadm asks for half of a core for all three; a cloud's are on other machines. */
const yieldingToPods = (name: string) => ({
    spec: { containers: [{ name, resources: { requests: { cpu: "20m" } } }] },
});

function kubeadmSettings(): string {
    return `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: { advertiseAddress: ${apiAddress} }
nodeRegistration:
  name: ${nodeName}
  criSocket: unix://${containerdSocket}
  imagePullPolicy: Never
  taints: []
patches: { directory: ${kubeadmPatches} }
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v${kubernetesVersion}
etcd: { external: { endpoints: ["http://127.0.0.1:2379"] } }
# By default 20 requests a second: what grows to a thousand workloads would wait for nothing else.
controllerManager:
  extraArgs: [{ name: kube-api-qps, value: "200" }, { name: kube-api-burst, value: "400" }]
networking: { podSubnet: ${podCidr}, serviceSubnet: ${serviceCidr} }
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
# The host's disk is not the node's alone: on one that is 85% full, the kubelet's defaults would remove images that nobody
# can pull again, the control plane's and the pause image, and evict pods.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: { memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi }
containerRuntimeEndpoint: unix://${containerdSocket}
`;
}

/** Ends the cluster and removes its data, also what kubeadm and the kubelet write outside the machine's own folders. */
export async function removeCluster(): Promise<void> {
    for (const name of ["storage-provisioner", "metrics-server", "network-policies", "kube-proxy", "kubelet"] as const) {
        await stop(name);
    }
    await stop("etcd");
    if (!existsSync(clusterMarker)) {
        return; // Pods, mounts and files of a kubelet would be somebody else's.
    }
    killPods();
    await unmountBelow("/var/lib/kubelet");
    await removePodNetworks();
    for (const path of [
        join(state, "etcd"),
        join(state, "cni-addresses"),
        volumes,
        initialised,
        kubeconfig,
        "/var/lib/kubelet",
        "/etc/kubernetes",
    ]) {
        rmSync(path, { recursive: true, force: true });
    }
}

/** Containers' processes carry no mark of ours, but their cgroup is the kubelet's. */
function killPods(): void {
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
        try {
            if (readFileSync(`/proc/${pid}/cgroup`, "utf8").includes("/kubepods")) {
                process.kill(Number(pid), "SIGKILL");
            }
        } catch {
            // It ended while we looked.
        }
    }
}

/** A pod's network namespace is a file that the namespace is mounted on. */
async function removePodNetworks(): Promise<void> {
    const folder = "/run/netns";
    for (const name of existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("cni-")) : []) {
        await execa("ip", ["netns", "delete", name], { reject: false });
    }
}
