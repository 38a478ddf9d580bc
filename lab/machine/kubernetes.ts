/** The machine's cluster: one kind node in a container. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { kindCommand } from "../../toolchain/commands";
import { kubernetesVersion } from "../../toolchain/goModules";
import { clusterName, kubeconfig, network, nodeName, publishedPorts, state } from "../../toolchain/places";
import { MachineError, step, until } from "../../toolchain/progress";
import { stop } from "./daemons";
import { type Docker, presentDocker } from "./docker";
import { metricsApiName, metricsServer } from "./metrics";

/** kind's default CIDR for pods. */
export const podCidr = "10.244.0.0/16";
const serviceCidr = "10.96.0.0/16";

/** A kind cluster. */
export interface Cluster {
    readonly name: string;
    /** The docker network of its node. */
    readonly network: string;
    /** The path of its kubeconfig. */
    readonly kubeconfig: string;
    /** The NodePorts that this host publishes on 127.0.0.1. */
    readonly ports: readonly number[];
}

const ownCluster: Cluster = { name: clusterName, network, kubeconfig, ports: publishedPorts };

/** Runs kind with the right daemon and network. By default kind puts all clusters of a daemon into one network. */
async function kind(docker: Docker, { network }: Cluster, args: string[], input?: string): Promise<string> {
    const { all, failed } = await execa(await kindCommand(), args, {
        env: { ...docker.env, KIND_EXPERIMENTAL_DOCKER_NETWORK: network, KIND_EXPERIMENTAL_PROVIDER: "docker" },
        all: true,
        input,
        reject: false,
    });
    if (failed) {
        throw new MachineError(`kind ${args.slice(0, 2).join(" ")} failed:\n${all}`);
    }
    return all;
}

/** Creates the cluster from this node image. If its node is stopped (after a reboot), starts the node. */
export async function ensureCluster(docker: Docker, image: string): Promise<void> {
    await step("Kubernetes by kind", async () => {
        const present = await docker.stateOf(nodeName);
        if (present !== undefined && (!existsSync(kubeconfig) || !(await isFinished(docker)))) {
            // A killed run left an incomplete cluster.
            await removeCluster(docker);
        }
        const isNew = (await docker.stateOf(nodeName)) === undefined;
        if (isNew) {
            await makeCluster(docker, image, ownCluster);
            await docker.run("exec", nodeName, "touch", finished);
        } else if (present !== "running") {
            await docker.run("start", nodeName);
        }
        await keepInside(docker);
        await untilReady(docker, isNew);
        await Promise.all([metricsServer(apply), removeFakeNodes(), isNew && hastenDns()]);
        const serving = ["deployment/coredns", `apiservice/${metricsApiName}`];
        await kubectl("-n", "kube-system", "wait", "--for=condition=Available", ...serving, "--timeout=180s");
        return kubernetesVersion;
    });
}

/** Creates a cluster with one node from this image. Does not wait until the node is ready. */
export async function makeCluster(docker: Docker, image: string, cluster: Cluster): Promise<void> {
    const { name, kubeconfig } = cluster;
    writePatches();
    const args = ["create", "cluster", "--name", name, "--image", image, "--kubeconfig", kubeconfig, "--config", "-", "--wait", "0s"];
    await kind(docker, cluster, args, JSON.stringify(await clusterConfig(docker, cluster)));
}

/** This file in the node exists if kind has created the cluster completely. */
const finished = "/kind/finished-for-sms-machine";

async function isFinished(docker: Docker): Promise<boolean> {
    // `docker cp` reads stopped containers as well.
    return docker.succeeds("cp", `${nodeName}:${finished}`, `${state}/finished`);
}

/**
 * Keeps traffic to addresses of the cluster inside the node. Without this, packets to a deleted pod, or to a Service that kube-proxy
 * doesn't know yet, would leave the node. A host outside could answer in place of the store or server. The machine's own node image does
 * this when it starts.
 */
async function keepInside(docker: Docker): Promise<void> {
    await docker.run("exec", nodeName, "ip", "route", "replace", "unreachable", podCidr);
    for (const chain of ["FORWARD", "OUTPUT"]) {
        const rule = [chain, "--destination", serviceCidr, "--jump", "REJECT"];
        if (!(await docker.succeeds("exec", nodeName, "iptables", "--wait", "--check", ...rule))) {
            await docker.run("exec", nodeName, "iptables", "--wait", "--insert", ...rule);
        }
    }
}

async function untilReady(docker: Docker, isNew: boolean): Promise<void> {
    const since = new Date(await docker.run("inspect", "--format", "{{.State.StartedAt}}", nodeName));
    // The node's status in the API server may be older than a power cut. A renewed lease shows that the kubelet runs now.
    const renewed = async () =>
        isNew || new Date(await tryKubectl("-n", "kube-node-lease", "get", "lease", nodeName, "-o", "jsonpath={.spec.renewTime}")) > since;
    const ready = async () =>
        (await tryKubectl("get", "node", nodeName, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}")) === "True";
    await until(
        async () => (await renewed()) && (await ready()),
        180,
        () => `the node is not ready after 180 s; see \`docker logs ${nodeName}\``,
    );
}

const patchesOnHost = join(state, "kubeadm-patches");
const patchesInNode = "/etc/sms-machine/kubeadm-patches";

/** kubeadm requests most of a core for the control plane. In the cloud it runs on other machines, so here it requests almost nothing. */
function writePatches(): void {
    mkdirSync(patchesOnHost, { recursive: true });
    for (const name of ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
        const spec = { containers: [{ name, resources: { requests: { cpu: "10m" } } }] };
        writeFileSync(join(patchesOnHost, `${name}.json`), JSON.stringify({ spec }));
    }
}

/** Runs one CoreDNS pod and probes it each second. kubeadm runs a second pod for a second node, and probes only every 10 s. */
async function hastenDns(): Promise<void> {
    const container = { name: "coredns", readinessProbe: { periodSeconds: 1 }, resources: { requests: { cpu: "10m" } } };
    const spec = { replicas: 1, template: { spec: { containers: [container] } } };
    await kubectl("-n", "kube-system", "patch", "deployment/coredns", "--patch", JSON.stringify({ spec }));
}

async function clusterConfig(docker: Docker, { ports }: Cluster): Promise<object> {
    const cgroups = await docker.run("info", "--format", "{{.CgroupVersion}}");
    const kubelet = {
        kind: "KubeletConfiguration",
        // The node shares the host's disk. With the kubelet's defaults, a disk that is 85% full leads to removed images and evicted pods.
        imageGCHighThresholdPercent: 100,
        imageGCLowThresholdPercent: 99,
        evictionHard: { "memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi" },
        // The node has no systemd, which would create slices for pods.
        ...(cgroups === "1" ? { cgroupDriver: "cgroupfs", cgroupRoot: "/kubelet", failCgroupV1: false } : {}),
    };
    const cluster = (version: string, args: (all: Record<string, string>) => object) => ({
        apiVersion: `kubeadm.k8s.io/${version}`,
        kind: "ClusterConfiguration",
        // The default of 20 requests per second would be the bottleneck of a cluster with a thousand workloads.
        controllerManager: { extraArgs: args({ "kube-api-qps": "200", "kube-api-burst": "400" }) },
        // Without fsync, a power cut may lose data. `npm run up` can create everything in etcd again.
        etcd: { local: { extraArgs: args({ "unsafe-no-fsync": "true" }) } },
    });
    const init = { kind: "InitConfiguration", patches: { directory: patchesInNode } };
    const patches = [
        kubelet,
        init,
        // kind uses only the patches of the API version that it writes.
        cluster("v1beta3", (all) => all),
        cluster("v1beta4", (all) => Object.entries(all).map(([name, value]) => ({ name, value }))),
    ];
    return {
        apiVersion: "kind.x-k8s.io/v1alpha4",
        kind: "Cluster",
        nodes: [
            {
                role: "control-plane",
                extraMounts: [{ hostPath: patchesOnHost, containerPath: patchesInNode, readOnly: true }],
                extraPortMappings: ports.map((port) => ({ containerPort: port, hostPort: port, listenAddress: "127.0.0.1" })),
            },
        ],
        kubeadmConfigPatches: patches.map((patch) => JSON.stringify(patch)),
    };
}

/** Runs kubectl in the node as administrator of the machine's cluster. Returns its standard output. */
export async function kubectl(...args: string[]): Promise<string> {
    return run(args);
}

async function run(args: readonly string[], input?: string): Promise<string> {
    const docker = await machineDocker();
    const command = [
        "exec",
        ...(input === undefined ? [] : ["--interactive"]),
        nodeName,
        "kubectl",
        "--kubeconfig=/etc/kubernetes/admin.conf",
    ];
    const { stdout } = await execa("docker", [...command, ...args], { env: docker.env, ...(input === undefined ? {} : { input }) });
    return stdout;
}

let asked: Promise<Docker | undefined> | undefined;

/** The daemon of the machine's containers. Throws a MachineError if none answers. */
export async function machineDocker(): Promise<Docker> {
    asked ??= presentDocker();
    const docker = await asked;
    if (docker === undefined) {
        asked = undefined;
        throw new MachineError("No docker daemon answers: run `npm run up` first.");
    }
    return docker;
}

export async function apply(...items: object[]): Promise<void> {
    await applyWith([], items);
}

/** Like `apply`, with all items in this namespace. */
export async function applyIn(namespace: string, items: readonly object[]): Promise<void> {
    await applyWith(["--namespace", namespace], items);
}

async function applyWith(flags: readonly string[], items: readonly object[]): Promise<void> {
    await run([...flags, "apply", "--filename", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

/** Like `kubectl`, but returns an empty text if the API server does not answer within 2 s. */
async function tryKubectl(...args: string[]): Promise<string> {
    return kubectl("--request-timeout=2s", ...args).catch(() => "");
}

/** The label of the nodes that fakeNodes.ts adds, and of the namespace whose pods run there. */
export const fakeNodes = "type=kwok";

/** Removes all fake nodes, including those of a killed measurement. */
export async function removeFakeNodes(): Promise<void> {
    // Namespaces first, so that no new pod is created. Kubernetes itself deletes the pods of a deleted node.
    await kubectl("delete", "namespaces", `--selector=${fakeNodes}`, "--wait=false");
    await kubectl("delete", "nodes", `--selector=${fakeNodes}`);
    await kubectl("uncordon", nodeName);
    await stop("kwok");
}

/** Copies images from the docker daemon to the node, because the node may be unable to reach public registries. */
export async function loadOntoNode(docker: Docker, images: readonly string[]): Promise<void> {
    const saved = execa("docker", ["save", ...images], { env: docker.env, buffer: false, encoding: "buffer" });
    await saved.pipe("docker", ["exec", "--interactive", nodeName, "ctr", "--namespace", "k8s.io", "images", "import", "-"], {
        env: docker.env,
    });
}

/** Copies a file or folder of this host into the node. Returns its path in the node. */
export async function copyToNode(path: string): Promise<string> {
    const there = `/tmp/${basename(path)}`;
    // As an archive, because `docker cp` does not see mounts in the node.
    const archive = execa("tar", ["-C", dirname(path), "-c", basename(path)], { buffer: false, encoding: "buffer" });
    await archive.pipe("docker", ["exec", "--interactive", nodeName, "tar", "-C", "/tmp", "-x"], { env: (await machineDocker()).env });
    return there;
}

/** Runs a command in the node. Returns its standard output. */
export async function inNode(...command: string[]): Promise<string> {
    return (await machineDocker()).run("exec", nodeName, ...command);
}

/** Like `inNode`, with `input` on standard input. */
export async function feedNode(input: string, ...command: string[]): Promise<string> {
    return (await machineDocker()).feed(input, "exec", "--interactive", nodeName, ...command);
}

/** The prefix of a command that runs on this host in the node's network namespace. Linux only; needs root. */
export async function nodeNetwork(): Promise<string[]> {
    const pid = await (await machineDocker()).run("inspect", "--format", "{{.State.Pid}}", nodeName);
    return ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
}

/** The addresses of the node and of this host on the machine's network. */
export async function addresses(): Promise<{ node: string; host: string }> {
    const docker = await machineDocker();
    const settings = `(index .NetworkSettings.Networks "${network}")`;
    const [node = "", host = ""] = (
        await docker.run("inspect", "--format", `{{${settings}.IPAddress}} {{${settings}.Gateway}}`, nodeName)
    ).split(" ");
    return { node, host };
}

/** Forwards a port of this host to an address inside the cluster while `work` runs. `work` gets the local address. */
export async function throughNode<T>(address: string, port: number, work: (tunnel: string) => Promise<T>): Promise<T> {
    const docker = await machineDocker();
    const server = createServer((socket) => {
        const { stdin, stdout } = spawn("docker", ["exec", "--interactive", nodeName, "socat", "-", `TCP:${address}:${port}`], {
            env: { ...process.env, ...docker.env },
            stdio: ["pipe", "pipe", "ignore"],
        });
        // Either side may close first.
        for (const stream of [socket, stdin, stdout]) {
            stream.on("error", () => socket.destroy());
        }
        socket.pipe(stdin);
        stdout.pipe(socket);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    try {
        return await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
        server.close();
    }
}

/** Removes the cluster with everything in it. */
export async function removeCluster(docker: Docker, cluster = ownCluster): Promise<void> {
    await kind(docker, cluster, ["delete", "cluster", "--name", cluster.name, "--kubeconfig", cluster.kubeconfig]);
    rmSync(cluster.kubeconfig, { force: true });
}
