import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appPod } from "../../components/app";
import { LogCollector, SlsLogs } from "../../components/logs";
import { ensureBaseImages } from "../../machine/baseImages";
import { ensureDocker, registryUser } from "../../machine/containers";
import { apply, kubectl } from "../../machine/kubernetes";
import { apiAddress } from "../../machine/network";
import { basePrefix, ownRegistry } from "../../machine/places";
import { until } from "../../machine/progress";
import { secret } from "../../machine/secrets";
import { slsCommand } from "../../machine/sls";
import { deploy } from "../unit/deployed";

const namespace = "sms-logs";
const project = "sms-logs-test";
const store = "app";
const accessKeySecret = "not-a-real-key-5f0c";
const collectorImage = `${basePrefix}collector:0.128.0`;
const writerImage = `${basePrefix}python:3.11`;

/** One that writes as fast as it is told, rotates as the app does, and has something to say when it has to go. */
const writing = `
import itertools, json, os, signal, time

path = "/var/log/sms/web.log"
log = open(path, "a")

def write(**fields):
    log.write(json.dumps({"level": "INFO", "message": "request", "written": time.time(), **fields}) + "\\n")
    log.flush()

going = False

def go(*_):
    global going
    going = True

signal.signal(signal.SIGTERM, go)
for n in itertools.count():
    if going:
        write(n=n, last=True)
        os._exit(0)
    write(n=n)
    if n % 1000 == 999:
        log.close()
        for k in range(20, 0, -1):
            if os.path.exists(f"{path}.{k}"):
                os.rename(f"{path}.{k}", f"{path}.{k + 1}")
        os.rename(path, f"{path}.1")
        log = open(path, "a")
    time.sleep(0.005)
`;

interface Line {
    received: string;
    fields: { n: number; last?: boolean; written: number; line: number } & Record<
        "pod" | "container" | "node" | "namespace" | "stack" | "environment",
        string
    >;
}

interface Pod {
    metadata: { name: string };
    spec: { nodeName: string; containers: { name: string }[] };
    status: { initContainerStatuses?: { name: string; restartCount: number; state: { running?: object } }[] };
}

/** The end that stands in for SLS, with one project and one logstore. */
class Sls {
    private readonly folder = mkdtempSync(join(tmpdir(), "sms-sls-"));
    private readonly file = join(this.folder, "logs", project, `${store}.jsonl`);
    private process?: ChildProcess;

    constructor() {
        mkdirSync(join(this.folder, "logs", project), { recursive: true });
        writeFileSync(this.file, "");
        writeFileSync(join(this.folder, "keys.json"), JSON.stringify({ LTAItest: accessKeySecret }), { mode: 0o600 });
    }

    async start(): Promise<void> {
        const { command, args } = await slsCommand({
            listen: `${apiAddress}:10011`,
            logs: join(this.folder, "logs"),
            keys: join(this.folder, "keys.json"),
        });
        this.process = spawn(command, args, { stdio: "ignore" });
        await once(this.process, "spawn");
    }

    async stop(): Promise<void> {
        if (this.process?.exitCode === null && this.process.kill()) {
            await once(this.process, "exit");
        }
    }

    /** What has arrived. */
    lines(): Line[] {
        return readFileSync(this.file, "utf8")
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line));
    }

    linesOf(pod: string): Line[] {
        return this.lines().filter(({ fields }) => fields.pod === pod);
    }

    remove(): void {
        rmSync(this.folder, { recursive: true });
    }
}

/** What the components register, on Pulumi's mocks: the stack's program isn't needed for a logstore that is there. */
async function collectorObjects(): Promise<{ config: object; credentials: object }> {
    const { deployed } = await deploy(() => {
        const destination = new SlsLogs("logs", {
            project,
            store,
            retentionDays: 30,
            region: "cn-hangzhou",
            network: "intranet",
            accessKeyId: "LTAItest",
            accessKeySecret,
            protect: false,
        });
        new LogCollector("log-collector", { namespace, destination, environment: "test", ...collector });
    }, "machine-logs");
    const named = (type: string, name: string) => {
        const { inputs } = deployed.one(`kubernetes:core/v1:${type}`);
        return { ...inputs, metadata: { ...inputs.metadata, name } };
    };
    return { config: named("ConfigMap", "log-config"), credentials: named("Secret", "log-credentials") };
}

const amounts = { cpu: "10m", memory: "64Mi" };
const collector = { image: collectorImage, resources: { requests: amounts, limits: { cpu: "0.5", memory: "192Mi" } }, drainSeconds: 5 };

/** A pod of the app, but for what runs in it. */
function writer(name: string): object {
    const app = {
        namespace,
        image: writerImage,
        pullSecret: "pull-secret",
        env: {},
        secretEnv: "nothing",
        logs: { sizeLimit: "128Mi", collector: { ...collector, config: "log-config", credentials: "log-credentials" } },
    };
    const template = appPod(
        {
            app,
            env: {},
            resources: { requests: amounts, limits: { cpu: "1", memory: "128Mi" } },
            gracePeriodSeconds: 30,
            revisionHistoryLimit: 0,
            rolloutTimeoutSeconds: 60,
        },
        { name, command: ["python3", "-c", writing], probes: {} },
    );
    return {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace },
        spec: {
            replicas: 1,
            selector: { matchLabels: { app: name } },
            // The pods' own hosts file is the intranet's name server.
            template: { ...template, spec: { ...template.spec, hostAliases: [{ ip: apiAddress, hostnames: [slsHost] }] } },
        },
    };
}

const slsHost = `${project}.cn-hangzhou-intranet.log.aliyuncs.com`;

async function pods(name: string): Promise<Pod[]> {
    const list = await kubectl("--namespace", namespace, "get", "pods", "--selector", `app=${name}`, "--output", "json");
    return (JSON.parse(list) as { items: Pod[] }).items;
}

async function ready(name: string): Promise<Pod[]> {
    await kubectl("--namespace", namespace, "rollout", "status", "deployment", name, "--timeout=120s");
    return pods(name);
}

async function gone(name: string): Promise<void> {
    await until(
        async () => (await pods(name)).length === 0,
        120,
        () => `${name} has not ended`,
    );
}

async function end(name: string): Promise<void> {
    await kubectl("--namespace", namespace, "delete", "deployment", name);
    await gone(name);
}

/** The collector's process in the pod, as the host sees it. */
function collectorPid(pod: string): number {
    const found = readdirSync("/proc").filter((entry) => {
        try {
            return (
                /^\d+$/.test(entry) &&
                readlinkSync(`/proc/${entry}/exe`) === "/otelcol-contrib" &&
                readFileSync(`/proc/${entry}/environ`, "latin1").split("\0").includes(`POD_NAME=${pod}`)
            );
        } catch {
            return false; // It ended while we looked.
        }
    });
    assert.equal(found.length, 1, `one collector of ${pod}`);
    return Number(found[0]);
}

/** Every line from the first to the last, with the word that it is the last. */
function assertComplete(pod: string, lines: Line[]): void {
    const last = lines.find(({ fields }) => fields.last)?.fields.n;
    const arrived = new Set(lines.map(({ fields }) => fields.n));
    assert.notEqual(last, undefined, `${pod}: the last line; ${arrived.size} others have come, up to ${Math.max(...arrived)}`);
    const missing = Array.from({ length: (last as number) + 1 }, (_, n) => n).filter((n) => !arrived.has(n));
    assert.deepEqual(missing, [], `${pod}: lines that never came`);
}

function different(lines: Line[]): number {
    return new Set(lines.map(({ fields }) => fields.n)).size;
}

describe("logs on the real cluster", () => {
    const sls = new Sls();

    before(async () => {
        await ensureBaseImages([collectorImage, writerImage], await ensureDocker());
        await sls.start();
        const auth = Buffer.from(`${registryUser}:${secret("registry-password")}`).toString("base64");
        const { config, credentials } = await collectorObjects();
        await apply(
            {
                apiVersion: "v1",
                kind: "Namespace",
                metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
            },
            {
                apiVersion: "v1",
                kind: "Secret",
                metadata: { name: "pull-secret", namespace },
                type: "kubernetes.io/dockerconfigjson",
                stringData: { ".dockerconfigjson": JSON.stringify({ auths: { [ownRegistry]: { auth } } }) },
            },
            { apiVersion: "v1", kind: "Secret", metadata: { name: "nothing", namespace } },
            config,
            credentials,
        );
    });

    after(async () => {
        await kubectl("delete", "namespace", namespace, "--ignore-not-found");
        await sls.stop();
        sls.remove();
    });

    it("arrive to the last line of pods that end, each of them once and with where it is from", async () => {
        const names = Array.from({ length: 8 }, (_, index) => `ends-${index}`);
        await apply(...names.map((name) => writer(name)));
        const running = (await Promise.all(names.map(ready))).flat();
        // One by one: a kubelet that is busy gives a collector more time than it can count on.
        for (const name of names) {
            await kubectl("--namespace", namespace, "delete", "deployment", name);
            await new Promise((passed) => setTimeout(passed, 1500));
        }
        await Promise.all(names.map(gone));
        for (const { metadata, spec } of running) {
            const lines = sls.linesOf(metadata.name);
            assertComplete(metadata.name, lines);
            assert.equal(lines.length, different(lines), `${metadata.name}: lines that came twice`);
            const { container, node, namespace: of, stack, environment } = (lines[0] as Line).fields;
            assert.deepEqual(
                [container, node, of, stack, environment],
                [spec.containers[0]?.name, spec.nodeName, namespace, "machine-logs", "test"],
            );
        }
    });

    it("arrive within a second", async () => {
        const delays = sls
            .lines()
            .map(({ received, fields }) => Date.parse(received) / 1000 - fields.written)
            .sort((a, b) => a - b);
        const middle = delays[Math.floor(delays.length / 2)] as number;
        const slow = delays[Math.floor(delays.length * 0.99)] as number;
        console.log(`      ${delays.length} lines: half within ${middle.toFixed(2)} s, 99% within ${slow.toFixed(2)} s`);
        assert.ok(slow < 1, `99% within ${slow} s`);
    });

    it("lose nothing to a collector that is killed", async () => {
        await apply(writer("killed"));
        const [pod] = await ready("killed");
        const name = pod?.metadata.name as string;
        for (const restarts of [1, 2]) {
            await new Promise((passed) => setTimeout(passed, 3000));
            process.kill(collectorPid(name), "SIGKILL");
            await until(
                async () => {
                    const status = (await pods("killed"))[0]?.status.initContainerStatuses?.find(({ name }) => name === "log-collector");
                    return status?.restartCount === restarts && status.state.running !== undefined;
                },
                60,
                () => `collector not restarted ${restarts} times`,
            );
        }
        await new Promise((passed) => setTimeout(passed, 2000));
        await end("killed");
        const lines = sls.linesOf(name);
        assertComplete(name, lines);
        // What was on its way may come again: by its place in its file it is known for the same line.
        const places = new Set(lines.map(({ fields }) => `${fields.n} ${fields.line}`));
        assert.equal(places.size, different(lines));
        console.log(`      ${lines.length - places.size} of ${places.size} lines came twice`);
    });

    it("wait for a logstore that can't be reached, while the pods serve", async () => {
        await sls.stop();
        await apply(writer("waits"));
        const [pod] = await ready("waits");
        const name = pod?.metadata.name as string;
        await new Promise((passed) => setTimeout(passed, 5000));
        assert.deepEqual(sls.linesOf(name), []);
        await sls.start();
        await until(
            async () => sls.linesOf(name).length > 0,
            30,
            () => "nothing has arrived",
        );
        await new Promise((passed) => setTimeout(passed, 12_000));
        await end("waits");
        assertComplete(name, sls.linesOf(name));
    });

    it("show their access key in no ConfigMap, pod or process list", async () => {
        await apply(writer("shown"));
        const [pod] = await ready("shown");
        const name = pod?.metadata.name as string;
        const processes = readdirSync("/proc")
            .filter((entry) => /^\d+$/.test(entry))
            .map((entry) => {
                try {
                    return readFileSync(`/proc/${entry}/cmdline`, "latin1");
                } catch {
                    return "";
                }
            });
        const shown = await kubectl("--namespace", namespace, "get", "configmaps,pods", "--output", "yaml");
        const said = await kubectl("--namespace", namespace, "logs", name, "--container", "log-collector");
        for (const place of [processes.join("\n"), shown, said]) {
            assert.ok(!place.includes(accessKeySecret));
        }
        await end("shown");
    });
});
