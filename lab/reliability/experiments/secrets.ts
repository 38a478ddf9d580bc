import { randomBytes, randomInt } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { execa } from "execa";
import { logs, nodeName, state } from "../../../toolchain/places";
import { post } from "../../machine/client";
import { kubectl, machineDocker } from "../../machine/kubernetes";
import { secret } from "../../machine/secrets";
import type { Count, Experiment, Form, Side, Stage, Trial } from "../experiment";
import type { Product } from "../product";

/** A place where no secret may appear. */
interface Place {
    title: string;
    /** A text that certainly exists in the place. If the search doesn't find it, the search did not work. */
    surely: string;
    streams: () => AsyncIterable<Readable> | Iterable<Readable>;
}

async function trial(stage: Stage, side: Side, _form: Form): Promise<Trial> {
    const product = await stage.product();
    const planted = randomBytes(24).toString("base64url");
    if (side.kind === "without") {
        await product.configure({ env: { MARKER: planted } });
    } else {
        await product.setGatewaySecret(planted);
    }
    await product.up();
    // No other message has this number or this text.
    const [number, text] = [`49151${randomInt(10 ** 7, 10 ** 8)}`, randomBytes(24).toString("base64url")];
    await post(product.address, { to: `+${number}`, text });
    try {
        const counts: Count[] = [];
        for (const place of await placesOf(product)) {
            counts.push(...(await searched(place, { planted, number, text })));
        }
        return { counts };
    } finally {
        if (side.kind === "without") {
            await product.configure();
            await product.up();
        }
    }
}

/** A secret in three forms: unchanged, in base64 and percent-encoded. */
function forms(value: string): string[] {
    return [value, Buffer.from(value).toString("base64").replace(/=+$/, ""), encodeURIComponent(value)];
}

async function searched({ title, surely, streams }: Place, more: Record<string, string>): Promise<Count[]> {
    const names = ["registry-password", "redis-password", "mongo-password", "passphrase", "client-local"];
    const wanted = [...names.map(secret), ...Object.values(more)].map((value) => [...new Set(forms(value))]);
    const found = new Set<number>();
    let isSeen = false;
    for await (const stream of streams()) {
        let rest = "";
        for await (const chunk of stream) {
            const text = rest + (chunk as Buffer).toString("latin1");
            isSeen ||= text.includes(surely);
            for (const [i, spellings] of wanted.entries()) {
                if (spellings.some((spelling) => text.includes(spelling))) {
                    found.add(i);
                }
            }
            rest = text.slice(-1024);
        }
    }
    return [
        { group: title, what: "secrets found", value: found.size, goal: 0 },
        { group: title, what: "searches that did not find the known text", value: isSeen ? 0 : 1, goal: 0 },
    ];
}

async function placesOf(product: Product): Promise<Place[]> {
    const { stack, cluster } = product;
    const said = async (...args: string[]) => [Readable.from([Buffer.from(await kubectl(...args))])];
    const preview = await stack.run("preview", "--diff", "--show-sames", "--non-interactive");
    const [events, objects] = await Promise.all([
        said("get", "events", "--all-namespaces", "--output=json"),
        said("get", "pods,deployments,statefulsets,jobs,configmaps,services", "--all-namespaces", "--output=json"),
    ]);
    const image = (await cluster.livingPods("sms-web"))[0]?.spec.containers[0]?.image as string;
    return [
        { title: "the engine's state and its history", surely: cluster.name, streams: () => filesBelow(join(state, "stacks")) },
        { title: "the output of a complete preview", surely: "sms-web", streams: () => [Readable.from([Buffer.from(preview.output)])] },
        { title: "events of the cluster", surely: cluster.name, streams: () => events },
        { title: "objects of the cluster except Secrets", surely: cluster.name, streams: () => objects },
        {
            title: "logs of all containers",
            surely: '\\"role\\": \\"web\\"'.replaceAll("\\", ""),
            streams: () => filesInNode(`/var/log/pods/*${cluster.name}*`),
        },
        {
            title: "log files in the pods' volumes",
            surely: '"role": "web"',
            streams: () => filesInNode("*/kubernetes.io~empty-dir/log-dir/*"),
        },
        { title: "logs of the machine and of the engine's runs", surely: cluster.name, streams: () => filesBelow(logs) },
        { title: "the image's layers and its history", surely: "def create_app", streams: () => layers(image) },
        { title: "command lines of all processes", surely: "kubelet", streams: () => ofProcesses("cmdline", () => true) },
        {
            title: "environments of the host's processes (except those in pods, which get the Secrets)",
            surely: "PATH=",
            streams: () => ofProcesses("environ", (cgroup) => !cgroup.includes("kubepods")),
        },
    ];
}

function* filesBelow(folder: string, part = ""): Iterable<Readable> {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        // /var/log/pods also contains links.
        if (path.includes(part) && existsSync(path) && statSync(path).isFile()) {
            yield createReadStream(path);
        }
    }
}

/** The content of the node's files for pods whose path matches `path`. */
async function* filesInNode(path: string): AsyncIterable<Readable> {
    const { env } = await machineDocker();
    const find = ["find", "/var/log/pods", "/var/lib/kubelet/pods", "-type", "f", "-path", path, "-exec", "cat", "{}", "+"];
    const found = execa("docker", ["exec", nodeName, ...find], { env, buffer: false, encoding: "buffer", reject: false });
    yield found.stdout as Readable;
    await found;
}

async function* layers(image: string): AsyncIterable<Readable> {
    const { env } = await machineDocker();
    // The cluster names the image by the registry's digest. The daemon that built it also has its tag.
    const saved = execa("docker", ["save", image.split("@")[0] as string], { env, buffer: false, encoding: "buffer" });
    yield saved.stdout as Readable;
    await saved;
    yield Readable.from([Buffer.from((await execa("docker", ["history", "--no-trunc", image.split("@")[0] as string], { env })).stdout)]);
}

function* ofProcesses(file: "cmdline" | "environ", isWanted: (cgroup: string) => boolean): Iterable<Readable> {
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
        try {
            if (isWanted(readFileSync(`/proc/${pid}/cgroup`, "utf8"))) {
                yield Readable.from([readFileSync(`/proc/${pid}/${file}`)]);
            }
        } catch {
            // The process ended during the search.
        }
    }
}

export const secrets: Experiment = {
    name: "secrets",
    title: "Search for leaked secrets",
    method: "The search looks for the stack's passwords, a client's token and the passphrase of the state. It also looks for a random value in `sms:secretEnv`, and for the number and the text of a message. It looks for each value unchanged, in base64 and percent-encoded. Each place also contains a known text. If the search does not find that text, it did not work.",
    protections: { encryption: "the random value is in `sms:env` instead, which is not encrypted" },
    trial,
};
