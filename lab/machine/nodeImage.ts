import { createHash } from "node:crypto";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { built, kubernetesVersion } from "../../toolchain/goModules";
import { cache } from "../../toolchain/places";
import { step } from "../../toolchain/progress";
import { reachesDockerHub } from "./baseImages";
import { debianRoot } from "./debian";
import type { Docker } from "./docker";
import { metricsServerImage } from "./metrics";

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
/** The packages of the programs that configure the node's packet filter, with their libraries. */
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

/** The programs in the one binary of toolchain/modules/kubernetes/node. kubeadm (its app/constants) or node/ names each image. */
const programs = {
    "kube-apiserver": `registry.k8s.io/kube-apiserver:v${kubernetesVersion}`,
    "kube-controller-manager": `registry.k8s.io/kube-controller-manager:v${kubernetesVersion}`,
    "kube-scheduler": `registry.k8s.io/kube-scheduler:v${kubernetesVersion}`,
    "kube-proxy": `registry.k8s.io/kube-proxy:v${kubernetesVersion}`,
    etcd: "registry.k8s.io/etcd:3.6.6-0",
    coredns: "registry.k8s.io/coredns/coredns:v1.13.1",
    "metrics-server": metricsServerImage,
    "network-policies": "sms-machine/network-policies:local",
    "storage-provisioner": "sms-machine/storage-provisioner:local",
};
const pause = "registry.k8s.io/pause:3.10.1";

/** kind's own node image for `kindVersion`. The digest is from kind's release notes. */
const official = "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0";

/** The name of the node's image in the daemon. It is kind's own image, or one that is built here. */
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

/**
 * Builds a node image with the contract of kind's. It has Debian's containerd, Kubernetes from Go modules, and the machine's own
 * controllers for NetworkPolicies and volumes.
 */
async function ownNodeImage(docker: Docker): Promise<string> {
    const commands = await built("kubernetes");
    const hash = createHash("sha256").update(JSON.stringify([packages, packetFilter, commands, readFileSync(__filename, "utf8")]));
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
            await writeImages(docker, root, commands);
            for (const command of ["node", "kubectl"]) {
                cpSync(join(commands, command), join(root, "usr/bin", command));
            }
            for (const program of ["kubeadm", "kubelet"]) {
                symlinkSync("node", join(root, "usr/bin", program));
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

/**
 * Writes one archive of images, which the node imports at its first start. It has one image with all programs, tagged with each
 * program's name, and the pause image of pods.
 */
async function writeImages(docker: Docker, root: string, commands: string): Promise<void> {
    const work = mkdtempSync(join(cache, "node-images-"));
    const bin = join(work, "usr/local/bin");
    try {
        const files = join(work, "files.tar");
        await execa("tar", ["-C", root, "--no-recursion", "-cf", files, "-T", "-"], {
            input: (await filesOf(root, packetFilter)).join("\n"),
        });
        await execa("tar", ["-C", work, "-xf", files]);
        rmSync(files);
        mkdirSync(bin, { recursive: true });
        cpSync(join(commands, "node"), join(bin, "node"));
        for (const program of Object.keys(programs)) {
            symlinkSync("node", join(bin, program));
        }
        symlinkSync("usr/local/bin/node", join(work, "metrics-server"));
        const [first, ...others] = Object.values(programs) as [string, ...string[]];
        // The default program is CoreDNS, because its manifest (by kubeadm) names no command. All other manifests name one.
        await docker.importFolder(work, first, [
            'ENTRYPOINT ["/usr/local/bin/coredns"]',
            "ENV PATH=/usr/local/bin:/usr/sbin:/sbin:/usr/bin:/bin",
        ]);
        await docker.importBinary(join(commands, "pause"), pause);
        for (const image of others) {
            await docker.run("tag", first, image);
        }
        mkdirSync(join(root, "kind/images"), { recursive: true });
        await docker.run("save", "--output", join(root, "kind/images/all.tar"), first, ...others, pause);
        await docker.run("rmi", first, ...others, pause);
    } finally {
        rmSync(work, { recursive: true, force: true });
    }
}

/** The files of these packages below `root`, without documentation and gconv modules. */
async function filesOf(root: string, names: readonly string[]): Promise<string[]> {
    const { stdout } = await execa("dpkg-query", ["--admindir", join(root, "var/lib/dpkg"), "--listfiles", ...names]);
    const files = stdout.split("\n").filter((file) => file.startsWith("/") && !/^\/usr\/share|\/gconv\//.test(file));
    const alternatives = readdirSync(join(root, "etc/alternatives")).filter((name) => /^ip6?tables/.test(name));
    return [
        // /lib and similar paths are links into /usr. In the image they become folders, which work as well.
        ...files.filter((file) => existsSync(join(root, file)) && !statSync(join(root, file)).isDirectory()),
        ...alternatives.flatMap((name) => [`/etc/alternatives/${name}`, `/usr/sbin/${name}`]),
    ].map((file) => `.${file}`);
}
