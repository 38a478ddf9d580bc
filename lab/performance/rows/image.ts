import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { clone } from "../../../toolchain/places";
import { changeCode } from "../../fixtures/copyOfClone";
import { Docker } from "../../machine/docker";
import { Engine, type Registry } from "../../machine/docker-provider/build";
import { readContext } from "../../machine/docker-provider/context";
import { machineDocker } from "../../machine/kubernetes";
import { baseImage, registryAddress, registryAuth, registryUser } from "../../machine/registry";
import { secret } from "../../machine/secrets";
import { type Spread, spread } from "../measure";
import { amount, type Row } from "../row";

export const image: Row = {
    name: "image",
    title: "Size and build of the image",
    peer: "the original Dockerfile: a single stage that copies all files",
    onMachine: true,
    measure: async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-bench-"));
        try {
            return await measure(folder);
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    },
};

const python = () => baseImage("python:3.11");
const rounds = 2;

async function measure(folder: string) {
    const { host } = await machineDocker();
    process.env.DOCKER_HOST = host;
    const ours = await change(new OurWay(join(folder, "ours")));
    const theirs = await change(new OriginsWay(join(folder, "origin"), host));
    const base = (await layersOf("base/python", "3.11")).reduce((sum, { size }) => sum + size, 0);
    return {
        figures: [
            {
                what: "compressed size of the image",
                unit: "MB",
                ours: megabytes(ours.size),
                peer: megabytes(theirs.size),
                goal: { atMost: 0.5 },
            },
            {
                what: "pushed data after a code change",
                unit: "MB",
                ours: amount(ours.pushedMegabytes),
                peer: amount(theirs.pushedMegabytes),
                goal: { oursAtMost: 1 },
            },
            {
                what: "build and push after a code change",
                unit: "s",
                ours: amount(ours.seconds),
                peer: amount(theirs.seconds),
                goal: { oursAtMost: 3 },
            },
        ],
        parts: ours.layers.map(({ size }, index) => ({ what: `this project: layer ${index + 1}`, value: size / 1e6, unit: "MB" })),
        remarks: [
            `The base image has ${(base / 1e6).toFixed(1)} MB. It is the machine's own Debian with Python 3.11. This project's image keeps only the part of it that a pod runs.`,
        ],
    };
}

const megabytes = (bytes: number) => ({ value: bytes / 1e6 });

interface Way {
    readonly app: string;
    readonly repository: string;
    buildAndPush(tag: string): Promise<void>;
}

interface Changed {
    readonly size: number;
    readonly layers: readonly Layer[];
    readonly pushedMegabytes: Spread;
    readonly seconds: Spread;
}

/** Makes a first build, which is not compared, and then builds after changes of the code. */
async function change(way: Way): Promise<Changed> {
    const tag = (round: number) => `${Date.now()}-${round}`;
    const first = tag(0);
    await way.buildAndPush(first);
    let layers = await layersOf(way.repository, first);
    const known = new Set(layers.map(({ digest }) => digest));
    const seconds: number[] = [];
    const pushed: number[] = [];
    for (let round = 1; round <= rounds; round++) {
        changeCode(way.app);
        const name = tag(round);
        const start = performance.now();
        await way.buildAndPush(name);
        seconds.push((performance.now() - start) / 1000);
        layers = await layersOf(way.repository, name);
        pushed.push(layers.filter(({ digest }) => !known.has(digest)).reduce((sum, { size }) => sum + size, 0) / 1e6);
        for (const { digest } of layers) {
            known.add(digest);
        }
    }
    const size = layers.reduce((sum, layer) => sum + layer.size, 0);
    return { size, layers, pushedMegabytes: spread(pushed), seconds: spread(seconds) };
}

/** Builds as `npm run up` does. */
class OurWay implements Way {
    readonly repository = "bench/ours";
    private readonly engine = new Engine(new AbortController().signal);
    private readonly registry: Registry = {
        host: registryAddress(),
        credentials: { username: registryUser, password: secret("registry-password") },
    };

    constructor(readonly app: string) {
        cpSync(join(clone, "app"), app, { recursive: true, filter: isSource });
    }

    async buildAndPush(tag: string): Promise<void> {
        const name = `${registryAddress()}/${this.repository}:${tag}`;
        const context = await readContext(this.app, join(this.app, "Dockerfile"));
        await this.engine.build(name, context, { args: { BASE_IMAGE: python() } }, this.registry, () => {});
        await this.engine.push(name, this.registry, () => {});
    }
}

/** Builds with docker's commands, by hand. */
class OriginsWay implements Way {
    readonly repository = "bench/origin";
    private readonly env: Docker["env"];

    constructor(
        readonly app: string,
        host: string,
    ) {
        cpSync(join(clone, "app"), app, { recursive: true, filter: (source) => isSource(source) && !isOurs.has(basename(source)) });
        cpSync(join(clone, "lab", "origin", "Dockerfile"), join(app, "Dockerfile"));
        this.env = new Docker(host).env;
    }

    async buildAndPush(tag: string): Promise<void> {
        const name = `${registryAddress()}/${this.repository}:${tag}`;
        const build = ["build", "--quiet", "--build-arg", `BASE_IMAGE=${python()}`, "--tag", name, this.app];
        await execa("docker", build, { env: this.env });
        await execa("docker", ["push", "--quiet", name], { env: this.env });
    }
}

const isOurs = new Set([".dockerignore"]);
const isSource = (file: string) => !/__pycache__|\.venv|_cache$/.test(basename(file));

interface Layer {
    readonly digest: string;
    readonly size: number;
}

/** An image's layers in the registry, with their compressed sizes. */
async function layersOf(repository: string, tag: string): Promise<Layer[]> {
    const url = `http://${registryAddress()}/v2/${repository}/manifests/${tag}`;
    const answer = await fetch(url, {
        headers: {
            Accept: "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
            Authorization: `Basic ${registryAuth()}`,
        },
    });
    if (!answer.ok) {
        throw new Error(`${url}: ${answer.status}`);
    }
    return ((await answer.json()) as { layers: Layer[] }).layers;
}
