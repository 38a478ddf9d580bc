/** The machine's cluster: one node of kind's, in a container. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { kindCommand } from "./commands";
import { stop } from "./daemons";
import { type Docker, presentDocker } from "./docker";
import { metricsApiName, metricsServer } from "./metrics";
import { nodeImage } from "./nodeImage";
import { clusterName, kubeconfig, network, nodeName, publishedPorts, state } from "./places";
import { MachineError, step, until } from "./progress";
import { kubernetesVersion } from "./toolchain";

/** The addresses of pods, as kind chooses them. */
export const podCidr = "10.244.0.0/16";
const serviceCidr = "10.96.0.0/16";

/** What kind itself needs to know: the daemon, and that the network is the machine's own. */
async function kind(docker: Docker, args: string[], input?: string): Promise<string> {
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

/** Makes the cluster; starts its node where it is stopped, as after a reboot. */
export async function ensureCluster(docker: Docker): Promise<void> {
    const image = await nodeImage(docker);
    await step("Kubernetes by kind", async () => {
        const present = await docker.stateOf(nodeName);
        if (present !== undefined && (!existsSync(kubeconfig) || !(await isFinished(docker)))) {
            // What a run that was killed has left is no cluster yet.
            await removeCluster(docker);
        }
        const isNew = (await docker.stateOf(nodeName)) === undefined;
        if (isNew) {
            writePatches();
            await kind(
                docker,
                ["create", "cluster", "--name", clusterName, "--image", image, "--kubeconfig", kubeconfig, "--config", "-", "--wait", "0s"],
                JSON.stringify(await clusterConfig(docker)),
            );
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

/** In the node: there once kind has ended well. */
const finished = "/kind/finished-for-sms-machine";

async function isFinished(docker: Docker): Promise<boolean> {
    // `docker cp` reads stopped containers as well.
    return docker.succeeds("cp", `${nodeName}:${finished}`, `${state}/finished`);
}

/**
 * What is meant for the cluster doesn't leave the node: for a pod that is gone, or for a Service that kube-proxy doesn't know yet,
 * whoever answers outside would be taken for the store or the server that was asked for. The own node image does so when it starts.
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
    // What the API server says of the node may be from before a power cut; a renewed lease is from now.
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

/** kubeadm asks for most of a core for the control plane, which in a cloud is on other machines: here it yields to pods. */
function writePatches(): void {
    mkdirSync(patchesOnHost, { recursive: true });
    for (const name of ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
        const spec = { containers: [{ name, resources: { requests: { cpu: "10m" } } }] };
        writeFileSync(join(patchesOnHost, `${name}.json`), JSON.stringify({ spec }));
    }
}

/** kubeadm's second pod is for a second node, and its probe first looks after up to ten seconds. */
async function hastenDns(): Promise<void> {
    const container = { name: "coredns", readinessProbe: { periodSeconds: 1 }, resources: { requests: { cpu: "10m" } } };
    const spec = { replicas: 1, template: { spec: { containers: [container] } } };
    await kubectl("-n", "kube-system", "patch", "deployment/coredns", "--patch", JSON.stringify({ spec }));
}

async function clusterConfig(docker: Docker): Promise<object> {
    const cgroups = await docker.run("info", "--format", "{{.CgroupVersion}}");
    const kubelet = {
        kind: "KubeletConfiguration",
        // The host's disk is not the node's alone: on one that is 85% full, the kubelet's defaults would remove images and evict pods.
        imageGCHighThresholdPercent: 100,
        imageGCLowThresholdPercent: 99,
        evictionHard: { "memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi" },
        // Without systemd in the node there is nobody to make slices.
        ...(cgroups === "1" ? { cgroupDriver: "cgroupfs", cgroupRoot: "/kubelet", failCgroupV1: false } : {}),
    };
    const cluster = (version: string, args: (all: Record<string, string>) => object) => ({
        apiVersion: `kubeadm.k8s.io/${version}`,
        kind: "ClusterConfiguration",
        // By default 20 requests a second: what grows to a thousand workloads would wait for nothing else.
        controllerManager: { extraArgs: args({ "kube-api-qps": "200", "kube-api-burst": "400" }) },
        // One node on one disk, and nothing in it that `npm run up` can't make again.
        etcd: { local: { extraArgs: args({ "unsafe-no-fsync": "true" }) } },
    });
    const init = { kind: "InitConfiguration", patches: { directory: patchesInNode } };
    const patches = [
        kubelet,
        init,
        // kind takes those of the version that it writes.
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
                extraPortMappings: publishedPorts.map((port) => ({ containerPort: port, hostPort: port, listenAddress: "127.0.0.1" })),
            },
        ],
        kubeadmConfigPatches: patches.map((patch) => JSON.stringify(patch)),
    };
}

/** kubectl in the node, as administrator of the machine's cluster. */
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

/** The daemon that the machine's containers run on. */
export async function machineDocker(): Promise<Docker> {
    asked ??= presentDocker();
    const docker = await asked;
    if (docker === undefined) {
        asked = undefined;
        throw new MachineError("No docker daemon answers: run `npm run up` first.");
    }
    return docker;
}

/** Makes the items what they say. */
export async function apply(...items: object[]): Promise<void> {
    await applyWith([], items);
}

/** All of them in this namespace. */
export async function applyIn(namespace: string, items: readonly object[]): Promise<void> {
    await applyWith(["--namespace", namespace], items);
}

async function applyWith(flags: readonly string[], items: readonly object[]): Promise<void> {
    await run([...flags, "apply", "--filename", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

/** The same while the API server may be away: nothing then. */
async function tryKubectl(...args: string[]): Promise<string> {
    return kubectl("--request-timeout=2s", ...args).catch(() => "");
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

/** Gives the node images that the docker daemon has: what anybody may pull where Docker Hub can be reached. */
export async function loadOntoNode(docker: Docker, images: readonly string[]): Promise<void> {
    const saved = execa("docker", ["save", ...images], { env: docker.env, buffer: false, encoding: "buffer" });
    await saved.pipe("docker", ["exec", "--interactive", nodeName, "ctr", "--namespace", "k8s.io", "images", "import", "-"], {
        env: docker.env,
    });
}

/** A copy of a file or folder of this host, in the node. Gives its path there. */
export async function copyToNode(path: string): Promise<string> {
    const there = `/tmp/${basename(path)}`;
    // As an archive: `docker cp` doesn't see what is mounted in the node.
    const archive = execa("tar", ["-C", dirname(path), "-c", basename(path)], { buffer: false, encoding: "buffer" });
    await archive.pipe("docker", ["exec", "--interactive", nodeName, "tar", "-C", "/tmp", "-x"], { env: (await machineDocker()).env });
    return there;
}

/** Runs a command in the node. */
export async function inNode(...command: string[]): Promise<string> {
    return (await machineDocker()).run("exec", nodeName, ...command);
}

/** The same with this on its standard input. */
export async function feedNode(input: string, ...command: string[]): Promise<string> {
    return (await machineDocker()).feed(input, "exec", "--interactive", nodeName, ...command);
}

/** What starts a command of this host in the node's network; Linux only, and root. */
export async function nodeNetwork(): Promise<string[]> {
    const pid = await (await machineDocker()).run("inspect", "--format", "{{.State.Pid}}", nodeName);
    return ["nsenter", `--net=/proc/${pid}/ns/net`, "--"];
}

/** By which addresses the node and this host find each other on the machine's network. */
export async function addresses(): Promise<{ node: string; host: string }> {
    const docker = await machineDocker();
    const settings = `(index .NetworkSettings.Networks "${network}")`;
    const [node = "", host = ""] = (
        await docker.run("inspect", "--format", `{{${settings}.IPAddress}} {{${settings}.Gateway}}`, nodeName)
    ).split(" ");
    return { node, host };
}

/** Runs `work` while connections to an address of this host, which it is given, end at an address inside the cluster. */
export async function throughNode<T>(address: string, port: number, work: (tunnel: string) => Promise<T>): Promise<T> {
    const docker = await machineDocker();
    const server = createServer((socket) => {
        const { stdin, stdout } = spawn("docker", ["exec", "--interactive", nodeName, "socat", "-", `TCP:${address}:${port}`], {
            env: { ...process.env, ...docker.env },
            stdio: ["pipe", "pipe", "ignore"],
        });
        // Either end may go first.
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

/** The cluster with all that is in it. */
export async function removeCluster(docker: Docker): Promise<void> {
    await stop("kwok");
    await kind(docker, ["delete", "cluster", "--name", clusterName, "--kubeconfig", kubeconfig]);
    rmSync(kubeconfig, { force: true });
}
