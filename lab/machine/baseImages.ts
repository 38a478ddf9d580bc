import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "../../cli/say";
import { built, collectorVersion } from "../../toolchain/goModules";
import { basePrefix, cache, nodeName, state } from "../../toolchain/places";
import { MachineError, step } from "../../toolchain/progress";
import { certificates, debianRelease, debianRoot } from "./debian";
import type { Docker } from "./docker";
import { baseImage, registryAddress, registryAuth, registryUser } from "./registry";
import { secret } from "./secrets";
import { slsAuthority } from "./sls";

/** An image that the machine needs. It is the official image if Docker Hub can be reached, else an image with the same contract. */
interface BaseImage {
    /** The official image's name on Docker Hub. */
    readonly official: string;
    /** A description of the replacement. */
    readonly title: string;
    /** The replacement's inputs. If one changes, the image is built again. */
    readonly inputs: () => Promise<string[]>;
    /** Builds the replacement in the daemon under `tag`. */
    readonly make: (docker: Docker, tag: string) => Promise<void>;
    /** The path of a file with CA certificates in the official image. Those of this machine are added to it. */
    readonly trusts?: string;
}

const pythonPackages = ["python3", "python3-pip", "python3-venv", "ca-certificates"];
const imageFolder = (name: string) => join(__dirname, "images", name);

const python: BaseImage = {
    official: "python:3.11-slim-bookworm",
    title: `Python 3.11 on Debian ${debianRelease} by debootstrap`,
    inputs: async () => [
        debianRelease,
        ...pythonPackages,
        readFileSync(certificates, "utf8"),
        readFileSync(join(__dirname, "debian.ts"), "utf8"),
    ],
    make: (docker, tag) => debianRoot(pythonPackages, (root) => docker.importFolder(root, tag)),
};

const redis: BaseImage = {
    official: "redis:7.0",
    title: "Redis from Debian's package",
    inputs: async () => [readFileSync(join(imageFolder("redis"), "Dockerfile"), "utf8"), await imageKey("python:3.11")],
    make: (docker, tag) => packaged(docker, "redis", tag),
};

/** Builds an image with a Debian package. Its base is the Python image, which is Debian with a package manager. */
async function packaged(docker: Docker, name: string, tag: string): Promise<void> {
    const python = await ensureInDaemon(docker, "python:3.11");
    await docker.run("build", "--quiet", "--build-arg", `PYTHON_IMAGE=${python}`, "--tag", tag, imageFolder(name));
}

const registry: BaseImage = {
    official: "registry:2.8.3",
    title: "the registry from Debian's package",
    inputs: async () => [readFileSync(join(imageFolder("registry"), "Dockerfile"), "utf8"), await imageKey("python:3.11")],
    make: (docker, tag) => packaged(docker, "registry", tag),
};

const mongo: BaseImage = {
    official: "mongo:7.0",
    title: "FerretDB in the place of MongoDB",
    inputs: async () => [readFileSync(join(imageFolder("mongo"), "Dockerfile"), "utf8"), await built("ferretdb")],
    make: async (docker, tag) => {
        const context = mkdtempSync(join(cache, "mongo-"));
        try {
            cpSync(await built("ferretdb"), context, { recursive: true });
            await docker.run("build", "--quiet", "--tag", tag, "--file", join(imageFolder("mongo"), "Dockerfile"), context);
        } finally {
            rmSync(context, { recursive: true, force: true });
        }
    },
};

const collector: BaseImage = {
    official: `otel/opentelemetry-collector-contrib:${collectorVersion}`,
    // The machine's stand-in for SLS.
    trusts: "/etc/ssl/certs/ca-certificates.crt",
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
            writeFileSync(join(context, "ca-certificates.crt"), await trustedBy(readFileSync(certificates, "utf8")));
            await docker.run("build", "--quiet", "--tag", tag, "--file", join(imageFolder("collector"), "Dockerfile"), context);
        } finally {
            rmSync(context, { recursive: true, force: true });
        }
    },
};

/** These CA certificates, and that of the machine's stand-in for SLS. */
async function trustedBy(authorities: string): Promise<string> {
    return `${authorities}\n${readFileSync(await slsAuthority(), "utf8")}`;
}

/** Builds an image from the official one, with this machine's certificates in the file `trusts`. */
async function withTrust(docker: Docker, official: string, trusts: string, tag: string): Promise<void> {
    const context = mkdtempSync(join(cache, "trust-"));
    const container = await docker.run("create", official);
    try {
        const file = join(context, "authorities");
        await docker.run("cp", `${container}:${trusts}`, file);
        writeFileSync(file, await trustedBy(readFileSync(file, "utf8")));
        writeFileSync(join(context, "Dockerfile"), `FROM ${official}\nCOPY authorities ${trusts}\n`);
        await docker.run("build", "--quiet", "--tag", tag, context);
    } finally {
        await docker.run("rm", container);
        rmSync(context, { recursive: true, force: true });
    }
}

/** The base images by their names in stack files, without `127.0.0.1:5000/base/`. An image comes after the image that it is built from. */
const baseImages: Record<string, BaseImage> = {
    "python:3.11": python,
    "redis:7.0": redis,
    "mongo:7.0": mongo,
    [`collector:${collectorVersion}`]: collector,
    "registry:2.8": registry,
};

async function imageKey(name: string): Promise<string> {
    const hash = createHash("sha256");
    for (const input of await (baseImages[name] as BaseImage).inputs()) {
        hash.update(input).update("\0");
    }
    return hash.digest("hex").slice(0, 12);
}

const making = new Map<string, Promise<string>>();

/** Pulls or builds the image if the daemon doesn't have it. Returns its name in the daemon. A process does this only once per image. */
export function ensureInDaemon(docker: Docker, name: string): Promise<string> {
    const image = making.get(name) ?? inDaemon(docker, name);
    making.set(name, image);
    return image;
}

async function inDaemon(docker: Docker, name: string): Promise<string> {
    const { official, title, make, trusts } = baseImages[name] as BaseImage;
    if ((await docker.hasImage(official)) || ((await reachesDockerHub(docker)) && (await pull(docker, official)))) {
        if (trusts === undefined) {
            return official;
        }
        const trusting = `sms-machine/${name}-trusting`;
        await withTrust(docker, official, trusts, trusting);
        return trusting;
    }
    const image = `sms-machine/${name}-${await imageKey(name)}`;
    if (!(await docker.hasImage(image))) {
        await step(`image ${name}: ${title}`, () => make(docker, image));
    }
    return image;
}

async function pull(docker: Docker, image: string): Promise<boolean> {
    return step(`image ${image}`, async () => {
        await docker.run("pull", "--quiet", image);
        return true;
    });
}

let hub: Promise<boolean> | undefined;

/** This file exists if an `up` could not reach Docker Hub. Later runs don't try again, because that takes long in a closed network. */
const noHub = join(state, "no-docker-hub");

/**
 * Whether the daemon can pull from Docker Hub or a mirror of it. The result of the first try counts. It pulls the smallest needed image.
 */
export function reachesDockerHub(docker: Docker): Promise<boolean> {
    hub ??= (async () => {
        const { official } = registry;
        const isReached = (await docker.hasImage(official)) || (!existsSync(noHub) && (await docker.succeeds("pull", "--quiet", official)));
        if (!isReached) {
            writeFileSync(noHub, "");
        }
        say(isReached ? "  images: official ones from Docker Hub" : "  ! images: Docker Hub can't be reached, so they are made here");
        return isReached;
    })();
    return hub;
}

/**
 * The names of the base images in these references, without `127.0.0.1:5000/base/`. Throws a MachineError if the machine can't build
 * one of them.
 */
export function namesOf(references: readonly string[]): string[] {
    const wanted = references
        .filter((reference) => reference.startsWith(basePrefix))
        .map((reference) => reference.slice(basePrefix.length));
    const unknown = wanted.filter((name) => !(name in baseImages));
    if (unknown.length > 0) {
        throw new MachineError(
            `The machine has no base image ${unknown.map((name) => `${basePrefix}${name}`).join(", ")}.\n  It has ${Object.keys(baseImages).join(", ")}; name one of these in Pulumi.local.yaml, or an image of another registry.`,
        );
    }
    return [...new Set(wanted)];
}

/** Pushes the stack's base images into the registry, below `127.0.0.1:5000/base/`. */
export async function ensureBaseImages(docker: Docker, references: readonly string[]): Promise<void> {
    await docker.feed(secret("registry-password"), "login", "--username", registryUser, "--password-stdin", registryAddress());
    await Promise.all(namesOf(references).map((name) => ensureInRegistry(docker, name)));
}

async function ensureInRegistry(docker: Docker, name: string): Promise<void> {
    const image = await ensureInDaemon(docker, name);
    // A second tag contains the image's id. If the registry has this tag, it has the current image.
    const id = (await docker.run("image", "inspect", "--format", "{{.Id}}", image)).slice("sha256:".length).slice(0, 12);
    const keyed = `${name}-${id}`;
    if (await inRegistry(keyed)) {
        return;
    }
    await step(`push of ${name}`, async () => {
        for (const pushed of [baseImage(name), baseImage(keyed)]) {
            await docker.run("tag", image, pushed);
            await docker.run("push", "--quiet", pushed);
        }
        // If the node still has the old image of this name, it would not pull the new one.
        await docker.succeeds("exec", nodeName, "ctr", "--namespace", "k8s.io", "images", "rm", baseImage(name));
    });
}

async function inRegistry(name: string): Promise<boolean> {
    const [repository, tag] = name.split(":");
    const authorization = `Basic ${registryAuth()}`;
    const accept = "application/vnd.docker.distribution.manifest.v2+json";
    const response = await fetch(`http://${registryAddress()}/v2/base/${repository}/manifests/${tag}`, {
        method: "HEAD",
        headers: { authorization, accept },
    });
    return response.ok;
}
