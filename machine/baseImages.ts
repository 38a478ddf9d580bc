import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificates, debianRelease, debianRoot } from "./debian";
import type { Docker } from "./docker";
import { basePrefix, cache, nodeName, ownRegistry, state } from "./places";
import { MachineError, say, step } from "./progress";
import { registryUser } from "./registry";
import { secret } from "./secrets";
import { slsAuthority } from "./sls";
import { built, collectorVersion } from "./toolchain";

/** An image that the machine needs: the official one where Docker Hub can be reached, else one with the same contract. */
interface BaseImage {
    /** By its name on Docker Hub. */
    readonly official: string;
    /** What stands in for it. */
    readonly title: string;
    /** What the image is made of; a change makes it anew. */
    readonly inputs: () => Promise<string[]>;
    /** Gives the daemon the image under `tag`. */
    readonly make: (docker: Docker, tag: string) => Promise<void>;
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

/** A Debian package on the image of Python, which is Debian with a package manager. */
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
            await docker.run("build", "--quiet", "--tag", tag, "--file", join(imageFolder("collector"), "Dockerfile"), context);
        } finally {
            rmSync(context, { recursive: true, force: true });
        }
    },
};

/** By the name that a stack file gives after `127.0.0.1:5000/base/`; what an image is built from comes before it. */
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

/** Gives the name that the image has in the daemon; makes it unless it is there. One process makes it once. */
export function ensureInDaemon(docker: Docker, name: string): Promise<string> {
    const image = making.get(name) ?? inDaemon(docker, name);
    making.set(name, image);
    return image;
}

async function inDaemon(docker: Docker, name: string): Promise<string> {
    const { official, title, make } = baseImages[name] as BaseImage;
    if ((await docker.hasImage(official)) || ((await reachesDockerHub(docker)) && (await pull(docker, official)))) {
        return official;
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

/** There where an `up` has found no way to Docker Hub: the next ones don't try again, which a closed network makes long. */
const noHub = join(state, "no-docker-hub");

/** Whether the daemon gets images from Docker Hub, also by a mirror of it: tried once, with the smallest image that is needed. */
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

/** Refuses references below `127.0.0.1:5000/base/` that the machine doesn't make. Gives the names of the others. */
export function namesOf(references: readonly string[]): string[] {
    const wanted = references
        .filter((reference) => reference.startsWith(basePrefix))
        .map((reference) => reference.slice(basePrefix.length));
    const unknown = wanted.filter((name) => !(name in baseImages));
    if (unknown.length > 0) {
        throw new MachineError(
            `The machine makes no base image ${unknown.map((name) => `${basePrefix}${name}`).join(", ")}.\n  It makes ${Object.keys(baseImages).join(", ")}; name one of these in Pulumi.local.yaml, or an image of another registry.`,
        );
    }
    return [...new Set(wanted)];
}

/** Puts the images that the stack names under `127.0.0.1:5000/base/` into the registry. */
export async function ensureBaseImages(docker: Docker, references: readonly string[]): Promise<void> {
    await docker.feed(secret("registry-password"), "login", "--username", registryUser, "--password-stdin", ownRegistry);
    for (const name of namesOf(references)) {
        const image = await ensureInDaemon(docker, name);
        // The image's id in a tag of its own tells whether the registry's is the one that is wanted.
        const id = (await docker.run("image", "inspect", "--format", "{{.Id}}", image)).slice("sha256:".length).slice(0, 12);
        const keyed = `${name}-${id}`;
        if (await inRegistry(keyed)) {
            continue;
        }
        await step(`push of ${name}`, async () => {
            for (const pushed of [`${basePrefix}${name}`, `${basePrefix}${keyed}`]) {
                await docker.run("tag", image, pushed);
                await docker.run("push", "--quiet", pushed);
            }
            // The node may have another one of that name, and wouldn't pull this one.
            await docker.succeeds("exec", nodeName, "ctr", "--namespace", "k8s.io", "images", "rm", `${basePrefix}${name}`);
        });
    }
}

async function inRegistry(name: string): Promise<boolean> {
    const [repository, tag] = name.split(":");
    const authorization = `Basic ${Buffer.from(`${registryUser}:${secret("registry-password")}`).toString("base64")}`;
    const accept = "application/vnd.docker.distribution.manifest.v2+json";
    const response = await fetch(`http://${ownRegistry}/v2/base/${repository}/manifests/${tag}`, {
        method: "HEAD",
        headers: { authorization, accept },
    });
    return response.ok;
}
