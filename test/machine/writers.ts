import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appPod } from "../../components/app";
import { LogCollector, SlsLogs } from "../../components/logs";
import { ensureBaseImages } from "../../machine/baseImages";
import { addresses, apply, kubectl, machineDocker } from "../../machine/kubernetes";
import { basePrefix, ownRegistry } from "../../machine/places";
import { until } from "../../machine/progress";
import { registryUser } from "../../machine/registry";
import { secret } from "../../machine/secrets";
import { slsCommand } from "../../machine/sls";
import { deploy } from "../unit/deployed";

export const namespace = "sms-logs";
const project = "sms-logs-test";
const store = "app";
export const accessKeySecret = "not-a-real-key-5f0c";
const collectorImage = `${basePrefix}collector:0.128.0`;
const writerImage = `${basePrefix}python:3.11`;

/** One that writes as fast as it is told, rotates as the app does, and has something to say when it has to go. */
const writing = `
import itertools, json, os, signal, time

path = "/var/log/sms/web.log"
log = open(path, "a")

def write(**fields):
    line = json.dumps({"level": "INFO", "message": "request", "written": time.time(), **fields})
    log.write(line + "\\n")
    log.flush()
    print(line, flush=True)

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

export interface Line {
    received: string;
    fields: { n: number; last?: boolean; written: number; line: number } & Record<
        "pod" | "container" | "node" | "namespace" | "stack" | "environment",
        string
    >;
}

export interface Pod {
    metadata: { name: string };
    spec: { nodeName: string; containers: { name: string }[] };
    status: { initContainerStatuses?: { name: string; restartCount: number; state: { running?: object } }[] };
}

/** The end that stands in for SLS, with one project and one logstore. */
export class Sls {
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
            listen: `${(await addresses()).host}:10011`,
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

/** A pod of the app, but for what runs in it; `without` one of its sidecars, or any. */
export async function writer(name: string, without: "nothing" | "log-drain" | "sidecars" = "nothing"): Promise<object> {
    const app = {
        namespace,
        image: writerImage,
        platform: "linux/amd64",
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
    const sidecars = (template.spec as { initContainers: { name: string }[] }).initContainers;
    const initContainers = sidecars.filter((sidecar) => without !== "sidecars" && sidecar.name !== without);
    return {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace },
        spec: {
            replicas: 1,
            selector: { matchLabels: { app: name } },
            // The pods' own hosts file is the intranet's name server.
            template: {
                ...template,
                spec: { ...template.spec, initContainers, hostAliases: [{ ip: (await addresses()).host, hostnames: [slsHost] }] },
            },
        },
    };
}

const slsHost = `${project}.cn-hangzhou-intranet.log.aliyuncs.com`;

export async function pods(name: string): Promise<Pod[]> {
    const list = await kubectl("--namespace", namespace, "get", "pods", "--selector", `app=${name}`, "--output", "json");
    return (JSON.parse(list) as { items: Pod[] }).items;
}

export async function ready(name: string): Promise<Pod[]> {
    await kubectl("--namespace", namespace, "rollout", "status", "deployment", name, "--timeout=120s");
    return pods(name);
}

export async function gone(name: string): Promise<void> {
    await until(
        async () => (await pods(name)).length === 0,
        120,
        () => `${name} has not ended`,
    );
}

export async function end(name: string): Promise<void> {
    await kubectl("--namespace", namespace, "delete", "deployment", name);
    await gone(name);
}

/** The collector's process in the pod, as the host sees it. */
export function collectorPid(pod: string): number {
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

export function different(lines: Line[]): number {
    return new Set(lines.map(({ fields }) => fields.n)).size;
}

/** What the writers need: images, the end that takes their lines, and a namespace with its secrets. */
export async function prepare(sls: Sls): Promise<void> {
    await ensureBaseImages(await machineDocker(), [collectorImage, writerImage]);
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
}
