import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { registryUser } from "./containers";
import { debianMirror } from "./host";
import { unmountBelow } from "./mounts";
import { basePrefix, cache, containerdSocket, dockerClient, ownRegistry } from "./places";
import { MachineError, step } from "./progress";
import { secret } from "./secrets";
import { slsAuthority } from "./sls";
import { built, collectorVersion } from "./toolchain";

/**
 * The images that stand in for Docker Hub's where only package mirrors can be reached.
 * Each is made once, kept as an archive in the cache and pushed to the machine's registry.
 */
interface BaseImage {
    readonly title: string;
    /** What the image is made of; a change makes it anew. */
    readonly inputs: () => Promise<string[]>;
    /** Gives the daemon the image under `tag`. */
    readonly make: (docker: Docker, tag: string) => Promise<void>;
}

type Docker = (...args: string[]) => Promise<string>;

const debianRelease = "bookworm";
const pythonPackages = ["python3", "python3-pip", "python3-venv", "ca-certificates"];
const imageFolder = (name: string) => join(__dirname, "images", name);
const certificates = "/etc/ssl/certs/ca-certificates.crt";

const python: BaseImage = {
    title: `Python 3.11 on Debian ${debianRelease} by debootstrap`,
    inputs: async () => [debianRelease, ...pythonPackages, readFileSync(certificates, "utf8"), howPythonIsMade()],
    make: async (_docker, tag) => {
        const root = join(cache, "work", "debootstrap");
        // debootstrap mounts /proc and /sys in it, and one that was killed left them there.
        await unmountBelow(root);
        rmSync(root, { recursive: true, force: true });
        mkdirSync(root, { recursive: true });
        try {
            await execa("debootstrap", ["--variant=minbase", `--include=${pythonPackages.join(",")}`, debianRelease, root, debianMirror()]);
            // Networks with mirrors of their own often have a certificate authority of their own.
            cpSync(certificates, join(root, certificates));
            for (const folder of ["var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale"]) {
                rmSync(join(root, folder), { recursive: true, force: true });
                mkdirSync(join(root, folder), { recursive: true });
            }
            const archive = execa("tar", ["-C", root, "--numeric-owner", "--sort=name", "-c", "."], { buffer: false });
            await archive.pipe("docker", ["import", "-", tag], { env: dockerEnvironment });
        } finally {
            rmSync(root, { recursive: true, force: true });
        }
    },
};

/** As it is written here: what it is compiled to differs from compiler to compiler. */
function howPythonIsMade(): string {
    const [text] = /^const python: BaseImage = \{\n[\s\S]*?^\};$/m.exec(readFileSync(__filename, "utf8")) ?? [];
    if (text === undefined) {
        throw new Error(`no definition of the image python was found in ${__filename}`);
    }
    return text;
}

const redis: BaseImage = {
    title: "Redis from Debian's package",
    inputs: async () => [readFileSync(join(imageFolder("redis"), "Dockerfile"), "utf8"), await imageKey("python:3.11")],
    make: async (docker, tag) => {
        await docker("build", "--quiet", "--build-arg", `PYTHON_IMAGE=${basePrefix}python:3.11`, "--tag", tag, imageFolder("redis"));
    },
};

const mongo: BaseImage = {
    title: "FerretDB in the place of MongoDB",
    inputs: async () => [readFileSync(join(imageFolder("mongo"), "Dockerfile"), "utf8"), await built("ferretdb")],
    make: async (docker, tag) => {
        const context = mkdtempSync(join(cache, "mongo-"));
        try {
            cpSync(await built("ferretdb"), context, { recursive: true });
            await docker("build", "--quiet", "--tag", tag, "--file", join(imageFolder("mongo"), "Dockerfile"), context);
        } finally {
            rmSync(context, { recursive: true, force: true });
        }
    },
};

const collector: BaseImage = {
    title: "OpenTelemetry Collector with what components/logs.ts configures of the official distribution",
    inputs: async () => [
        readFileSync(join(imageFolder("collector"), "Dockerfile"), "utf8"),
        await built("collector"),
        readFileSync(certificates, "utf8"),
        readFileSync(await slsAuthority(), "utf8"),
    ],
    make: async (docker, tag) => {
        const context = mkdtempSync(join(cache, "collector-"));
        try {
            cpSync(await built("collector"), context, { recursive: true });
            // It trusts this machine's end of SLS, too.
            const trusted = [certificates, await slsAuthority()].map((file) => readFileSync(file, "utf8"));
            writeFileSync(join(context, "ca-certificates.crt"), trusted.join("\n"));
            await docker("build", "--quiet", "--tag", tag, "--file", join(imageFolder("collector"), "Dockerfile"), context);
        } finally {
            rmSync(context, { recursive: true, force: true });
        }
    },
};

/** By the name that a stack file gives after `127.0.0.1:5000/base/`; what an image is built from comes before it. */
const baseImages: Record<string, BaseImage> = {
    "python:3.11": python,
    "redis:7.0": redis,
    "mongo:ferretdb-1.24": mongo,
    [`collector:${collectorVersion}`]: collector,
};

async function imageKey(name: string): Promise<string> {
    const hash = createHash("sha256");
    for (const input of await (baseImages[name] as BaseImage).inputs()) {
        hash.update(input).update("\0");
    }
    return hash.digest("hex").slice(0, 12);
}

const dockerEnvironment: Record<string, string> = {};

/** Puts the images that the stack names under `127.0.0.1:5000/base/` into the registry. */
export async function ensureBaseImages(references: readonly string[], dockerHost: string): Promise<void> {
    const wanted = new Set(
        references.filter((reference) => reference.startsWith(basePrefix)).map((reference) => reference.slice(basePrefix.length)),
    );
    const unknown = [...wanted].filter((name) => !(name in baseImages));
    if (unknown.length > 0) {
        throw new MachineError(
            `The machine makes no base image ${unknown.map((name) => `${basePrefix}${name}`).join(", ")}.\n  It makes ${Object.keys(baseImages).join(", ")}; name one of these in Pulumi.local.yaml, or an image of another registry.`,
        );
    }
    if (wanted.has("redis:7.0")) {
        wanted.add("python:3.11");
    }
    Object.assign(dockerEnvironment, { DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: "0", DOCKER_CONFIG: dockerClient });
    const docker: Docker = async (...args) => (await execa("docker", args, { env: dockerEnvironment })).stdout;
    await execa("docker", ["login", "--username", registryUser, "--password-stdin", ownRegistry], {
        env: dockerEnvironment,
        input: secret("registry-password"),
    });
    mkdirSync(join(cache, "images"), { recursive: true });
    for (const [name, image] of Object.entries(baseImages).filter(([name]) => wanted.has(name))) {
        await ensureBaseImage(docker, name, image);
    }
}

async function ensureBaseImage(docker: Docker, name: string, image: BaseImage): Promise<void> {
    const key = await imageKey(name);
    const tag = `${basePrefix}${name}`;
    // The key in a tag of its own tells whether the registry's image is the one that is wanted.
    const keyed = `${tag}-${key}`;
    if (await inRegistry(name.split(":")[0] as string, `${name.split(":")[1]}-${key}`)) {
        return;
    }
    await step(`base image ${name}: ${image.title}`, async () => {
        const archive = join(cache, "images", `${name.replace(":", "-")}-${key}.tar`);
        const isCached = existsSync(archive);
        if (isCached) {
            await docker("load", "--quiet", "--input", archive);
        } else {
            await image.make(docker, tag);
            await docker("save", "--output", `${archive}.new`, tag);
            renameSync(`${archive}.new`, archive);
        }
        await docker("push", "--quiet", tag);
        await docker("tag", tag, keyed);
        await docker("push", "--quiet", keyed);
        // The node may have another one of that name, and wouldn't pull this one.
        await execa("ctr", ["--address", containerdSocket, "--namespace", "k8s.io", "images", "rm", tag], { reject: false });
        return isCached ? "from the cache" : "made";
    });
}

async function inRegistry(repository: string, tag: string): Promise<boolean> {
    const authorization = `Basic ${Buffer.from(`${registryUser}:${secret("registry-password")}`).toString("base64")}`;
    const accept = "application/vnd.docker.distribution.manifest.v2+json";
    const response = await fetch(`http://${ownRegistry}/v2/base/${repository}/manifests/${tag}`, {
        method: "HEAD",
        headers: { authorization, accept },
    });
    return response.ok;
}
