import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { reachesDockerHub } from "./baseImages";
import { debianRoot } from "./debian";
import type { Docker } from "./docker";
import { metricsServerImage } from "./metrics";
import { cache } from "./places";
import { step } from "./progress";
import { built, etcdVersion, kubernetesVersion } from "./toolchain";

const folder = join(__dirname, "node");
const packages = [
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "iproute2",
    "ipset",
    "iptables",
    "kmod",
    "mount",
    "procps",
    "runc",
    "socat",
];
/** What programs that speak to the node's packet filter bring along. */
const packetFilter = [
    "conntrack",
    "ipset",
    "iptables",
    "libc6",
    "libip4tc2",
    "libip6tc2",
    "libipset13",
    "libmnl0",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
    "libnftnl11",
    "libxtables12",
];

/** Images of one static binary each, by the names that kubeadm and the manifests in node/ give them. */
async function images(): Promise<Record<string, { binary: string; packetFilter?: boolean }>> {
    // One after the other: each build takes all processors and gigabytes of memory.
    const kubernetes = await built("kubernetes");
    const coredns = await built("coredns");
    const etcd = await built("etcd");
    const policies = await built("network-policies");
    const metrics = await built("metrics-server");
    const controlPlane = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    return {
        ...Object.fromEntries(
            controlPlane.map((name) => [`registry.k8s.io/${name}:v${kubernetesVersion}`, { binary: join(kubernetes, name) }]),
        ),
        [`registry.k8s.io/kube-proxy:v${kubernetesVersion}`]: { binary: join(kubernetes, "kube-proxy"), packetFilter: true },
        [`registry.k8s.io/etcd:${etcdVersion}-0`]: { binary: join(etcd, "etcd") },
        "registry.k8s.io/coredns/coredns:v1.12.0": { binary: join(coredns, "coredns") },
        "registry.k8s.io/pause:3.10": { binary: join(kubernetes, "pause") },
        "sms-machine/network-policies:local": { binary: join(policies, "network-policies"), packetFilter: true },
        "sms-machine/storage-provisioner:local": { binary: join(kubernetes, "storage-provisioner") },
        [metricsServerImage]: { binary: join(metrics, "metrics-server") },
    };
}

/** kind's own node image for `kindVersion`, by the digest in kind's release notes. */
const official = "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0";

/** The node's image, as the daemon knows it: kind's own, else one that is made here. */
export async function nodeImage(docker: Docker): Promise<string> {
    if (await docker.hasImage(official)) {
        return official;
    }
    if (await reachesDockerHub(docker)) {
        await step("node image kindest/node, about 400 MB", () => docker.run("pull", "--quiet", official));
        return official;
    }
    return ownNodeImage(docker);
}

/** The same contract with Debian's containerd, Kubernetes from Go modules, and NetworkPolicies and volumes of the machine's own. */
async function ownNodeImage(docker: Docker): Promise<string> {
    const contents = await images();
    const hash = createHash("sha256").update(JSON.stringify([packages, packetFilter, contents, readFileSync(__filename, "utf8")]));
    for (const file of readdirSync(folder).sort()) {
        hash.update(file).update(readFileSync(join(folder, file)));
    }
    const key = hash.digest("hex").slice(0, 12);
    const image = `sms-machine/node:v${kubernetesVersion}-${key}`;
    if (await docker.hasImage(image)) {
        return image;
    }
    await step(`node image: Kubernetes ${kubernetesVersion} on Debian`, async () => {
        await debianRoot(packages, async (root) => {
            await writeImages(docker, root, contents);
            const commands = await built("kubernetes");
            for (const command of ["kubeadm", "kubelet", "kubectl"]) {
                cpSync(join(commands, command), join(root, "usr/bin", command));
            }
            mkdirSync(join(root, "kind/manifests"), { recursive: true });
            mkdirSync(join(root, "etc/cni/net.d"), { recursive: true });
            writeFileSync(join(root, "kind/version"), `v${kubernetesVersion}`);
            for (const name of ["default-cni.yaml", "default-storage.yaml"]) {
                cpSync(join(folder, name), join(root, "kind/manifests", name));
            }
            cpSync(join(folder, "network.conflist"), join(root, "etc/cni/net.d/10-pods.conflist"));
            cpSync(join(folder, "containerd.toml"), join(root, "etc/containerd/config.toml"));
            cpSync(join(folder, "entrypoint"), join(root, "usr/local/bin/entrypoint"));
            await docker.importFolder(root, image, ['ENTRYPOINT ["/usr/local/bin/entrypoint"]']);
        });
    });
    return image;
}

/** All in one archive, which the node imports when it first starts. */
async function writeImages(docker: Docker, root: string, contents: Awaited<ReturnType<typeof images>>): Promise<void> {
    const work = mkdtempSync(join(cache, "node-images-"));
    try {
        const libraries = await filesOf(root, packetFilter);
        for (const [image, { binary, packetFilter }] of Object.entries(contents)) {
            const name = basename(binary);
            const own = join(work, name);
            mkdirSync(own, { recursive: true });
            if (packetFilter) {
                await execa("tar", ["-C", root, "--no-recursion", "-cf", join(work, "files.tar"), "-T", "-"], {
                    input: libraries.join("\n"),
                });
                await execa("tar", ["-C", own, "-xf", join(work, "files.tar")]);
            }
            mkdirSync(join(own, "usr/local/bin"), { recursive: true });
            cpSync(binary, join(own, name));
            const path = packetFilter ? "/:/usr/sbin:/sbin:/usr/bin:/bin" : "/";
            // kubeadm's manifest of kube-proxy names /usr/local/bin/kube-proxy.
            await execa("ln", ["-sf", `/${name}`, join(own, "usr/local/bin", name)]);
            await docker.importFolder(own, image, [`ENTRYPOINT ["/${name}"]`, `ENV PATH=${path}`]);
        }
        mkdirSync(join(root, "kind/images"), { recursive: true });
        await docker.run("save", "--output", join(root, "kind/images/all.tar"), ...Object.keys(contents));
        await docker.run("rmi", ...Object.keys(contents));
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}

/** What these packages have put below `root`, but for what is only read by people. */
async function filesOf(root: string, names: readonly string[]): Promise<string[]> {
    const { stdout } = await execa("dpkg-query", ["--admindir", join(root, "var/lib/dpkg"), "--listfiles", ...names]);
    const files = stdout.split("\n").filter((file) => file.startsWith("/") && !/^\/usr\/share|\/gconv\//.test(file));
    const alternatives = readdirSync(join(root, "etc/alternatives")).filter((name) => /^ip6?tables/.test(name));
    return [
        // /lib and its like are links to below /usr: as folders of their own they serve as well.
        ...files.filter((file) => existsSync(join(root, file)) && !statSync(join(root, file)).isDirectory()),
        ...alternatives.flatMap((name) => [`/etc/alternatives/${name}`, `/usr/sbin/${name}`]),
    ].map((file) => `.${file}`);
}
