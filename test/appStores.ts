/** A Redis and a MongoDB for the service's tests: those in the environment, otherwise containers, otherwise local builds. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { type Docker, presentDocker } from "../lab/machine/docker";
import { ensurePackages } from "../lab/machine/host";
import { freePort } from "../lab/machine/ports";
import { built } from "../toolchain/goModules";
import { clone } from "../toolchain/places";
import { MachineError, until } from "../toolchain/progress";

export interface Stores {
    readonly redisUrl: string;
    readonly mongoUrl: string;
    /** Ends the stores that were started for the tests. */
    readonly end: () => Promise<void>;
}

export async function appStores(): Promise<Stores> {
    const { TEST_REDIS_URL: redisUrl, TEST_MONGO_URL: mongoUrl } = process.env;
    if (redisUrl && mongoUrl) {
        return { redisUrl, mongoUrl, end: async () => {} };
    }
    if (redisUrl || mongoUrl) {
        throw new MachineError(
            "TEST_REDIS_URL and TEST_MONGO_URL go together: set both, or none for a Redis and a MongoDB of the tests' own.",
        );
    }
    return (await inContainers()) ?? (await builtHere());
}

interface Image {
    readonly name: string;
    readonly port: number;
    readonly command: readonly string[];
    readonly input?: string;
    readonly env?: Readonly<Record<string, string>>;
}

/** Starts the images of app/compose.yaml. Returns undefined if no daemon answers, or if it can't get the images. */
async function inContainers(): Promise<Stores | undefined> {
    const docker = await presentDocker();
    const images = imagesOfCompose();
    if (docker === undefined || !(await haveImages(docker, Object.values(images)))) {
        return undefined;
    }
    const password = randomBytes(12).toString("hex");
    // Passwords are passed by standard input and environment, because the process list shows arguments.
    const redis = await startContainer(docker, {
        name: images.redis,
        port: 6379,
        command: ["redis-server", "-"],
        input: `bind 0.0.0.0\nrequirepass ${password}\nsave ""\n`,
    });
    const mongo = await startContainer(docker, {
        name: images.mongo,
        port: 27017,
        command: [],
        env: { MONGO_INITDB_ROOT_USERNAME: "sms", MONGO_INITDB_ROOT_PASSWORD: password },
    });
    return {
        redisUrl: redisUrl(password, redis.port),
        mongoUrl: mongoUrl(password, mongo.port),
        end: async () => {
            await Promise.all([redis.end(), mongo.end()]);
        },
    };
}

function imagesOfCompose(): { redis: string; mongo: string } {
    const { services } = parse(readFileSync(join(clone, "app", "compose.yaml"), "utf8"), { merge: true }) as {
        services: { redis: { image: string }; mongo: { image: string } };
    };
    return { redis: services.redis.image, mongo: services.mongo.image };
}

async function haveImages(docker: Docker, images: readonly string[]): Promise<boolean> {
    const found = await Promise.all(
        images.map(async (image) => (await docker.hasImage(image)) || docker.succeeds("pull", "--quiet", image)),
    );
    return found.every((isThere) => isThere);
}

/** Starts a container on a free port and waits until it answers. `end` removes it. */
async function startContainer(docker: Docker, { name, port, command, input, env = {} }: Image) {
    const names = Object.keys(env).flatMap((variable) => ["--env", variable]);
    const args = [
        "run",
        "--rm",
        "--interactive",
        "--name",
        `sms-test-${randomBytes(4).toString("hex")}`,
        "--publish",
        `127.0.0.1::${port}`,
    ];
    const container = args[4] as string;
    const running = execa("docker", [...args, ...names, name, ...command], {
        env: { ...docker.env, ...env },
        input: input ?? "",
        reject: false,
        stdout: "ignore",
    });
    const mapped = async () => Number(/:(\d+)$/m.exec(await docker.run("port", container, `${port}`).catch(() => ""))?.[1] ?? 0);
    await until(
        async () => isListening(await mapped()),
        60,
        () => `the container of ${name} doesn't answer`,
    );
    return {
        port: await mapped(),
        end: async () => {
            await docker.succeeds("rm", "--force", "--volumes", container);
            await running;
        },
    };
}

/** Starts Redis from Debian's package. As MongoDB, starts FerretDB from its Go module, which has the same protocol. */
async function builtHere(): Promise<Stores> {
    await ensurePackages("tests");
    const ferretdb = await built("ferretdb");
    const folder = mkdtempSync(join(tmpdir(), "sms-app-"));
    const password = randomBytes(12).toString("hex");
    const [redisPort, mongoPort] = [await freePort(), await freePort()];
    const servers = [
        execa("redis-server", ["-"], {
            input: `port ${redisPort}\nbind 127.0.0.1\nrequirepass ${password}\ndir ${folder}\nsave ""\n`,
            stdout: "ignore",
        }),
        execa(join(ferretdb, "ferretdb"), [], {
            env: {
                FERRETDB_HANDLER: "sqlite",
                FERRETDB_SQLITE_URL: `file:${folder}/`,
                FERRETDB_STATE_DIR: folder,
                FERRETDB_LISTEN_ADDR: `127.0.0.1:${mongoPort}`,
                FERRETDB_DEBUG_ADDR: "-",
                FERRETDB_TELEMETRY: "disable",
                FERRETDB_TEST_ENABLE_NEW_AUTH: "true",
                FERRETDB_SETUP_DATABASE: "admin",
                FERRETDB_SETUP_USERNAME: "sms",
                FERRETDB_SETUP_PASSWORD: password,
            },
            stdout: "ignore",
            stderr: "ignore",
        }),
    ];
    const end = async () => {
        for (const server of servers) {
            server.kill();
            await server.catch(() => undefined);
        }
        rmSync(folder, { recursive: true, force: true });
    };
    await until(
        async () => (await isListening(redisPort)) && (await isListening(mongoPort)),
        30,
        () => "Redis or FerretDB does not start",
    ).catch(async (error) => {
        await end();
        throw error;
    });
    return { redisUrl: redisUrl(password, redisPort), mongoUrl: mongoUrl(password, mongoPort), end };
}

const redisUrl = (password: string, port: number) => `redis://:${password}@127.0.0.1:${port}/0`;
const mongoUrl = (password: string, port: number) => `mongodb://sms:${password}@127.0.0.1:${port}/sms?authSource=admin`;

async function isListening(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = createConnection(port, "127.0.0.1");
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
    });
}
