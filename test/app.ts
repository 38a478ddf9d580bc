/** `npm run test:app`: the service's own tests, on a real Redis and a real MongoDB-protocol server that end with them. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { ensurePackages } from "../machine/host";
import { cache, clone } from "../machine/places";
import { step, until } from "../machine/progress";
import { built } from "../machine/toolchain";

const app = join(clone, "app");

/** A virtual environment with the locked requirements, made once for each state of the lock file. */
async function ensureVenv(): Promise<string> {
    const lock = join(app, "requirements-dev.txt");
    const { stdout: python } = await execa("python3", ["--version"]);
    const key = createHash("sha256").update(python).update(readFileSync(lock)).digest("hex").slice(0, 12);
    const venv = join(cache, "venv", key);
    if (!existsSync(join(venv, "complete"))) {
        await step("the service's locked requirements", async () => {
            rmSync(venv, { recursive: true, force: true });
            await execa("python3", ["-m", "venv", venv]);
            await execa(join(venv, "bin", "pip"), ["install", "--quiet", "--require-hashes", "--requirement", lock]);
            mkdirSync(join(venv, "complete"));
        });
    }
    return venv;
}

async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => server.close(done));
    return port;
}

async function isListening(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = createConnection(port, "127.0.0.1");
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
    });
}

interface Options {
    readonly k?: string;
}

async function testApp(files: readonly string[], { k }: Options): Promise<number> {
    await ensurePackages("tests");
    const venv = await ensureVenv();
    const ferretdb = await built("ferretdb");
    const folder = mkdtempSync(join(tmpdir(), "sms-app-"));
    const password = randomBytes(12).toString("hex");
    const [redisPort, mongoPort] = [await freePort(), await freePort()];
    const servers = [
        // Passwords go by standard input and environment: an argument could be read in the process list.
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
    try {
        await until(
            async () => (await isListening(redisPort)) && (await isListening(mongoPort)),
            30,
            () => "Redis or FerretDB does not start",
        );
        const inApp = { cwd: app, stdio: "inherit", reject: false } as const;
        const env = {
            PATH: `${join(venv, "bin")}:${process.env.PATH}`,
            TEST_REDIS_URL: `redis://:${password}@127.0.0.1:${redisPort}/0`,
            TEST_MONGO_URL: `mongodb://sms:${password}@127.0.0.1:${mongoPort}/sms?authSource=admin`,
        };
        const results = [
            await execa("ruff", ["check", "."], { ...inApp, env }),
            await execa("ruff", ["format", "--check", "."], { ...inApp, env }),
            await execa("pytest", [...(k === undefined ? [] : ["-k", k]), ...files], { ...inApp, env }),
        ];
        return results.every(({ failed }) => !failed) ? 0 : 1;
    } finally {
        for (const server of servers) {
            server.kill();
            await server.catch(() => undefined);
        }
        rmSync(folder, { recursive: true, force: true });
    }
}

function testFile(name: string, before: readonly string[] = []): readonly string[] {
    if (!existsSync(join(app, name.split("::")[0] as string))) {
        throw new InvalidArgumentError("Allowed: files and folders in app/, tests/test_api.py for example.");
    }
    return [...before, name];
}

start(
    script("test:app", "Runs the service's own tests, on a Redis and a MongoDB-protocol server that end with them.")
        .argument("[files...]", "only these tests, as pytest names them", testFile)
        .option("-k <expression>", "only tests whose names match, as pytest has it")
        .action(exitCode(testApp)),
);
