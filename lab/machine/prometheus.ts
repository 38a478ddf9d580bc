import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { RuleGroup } from "../../monitoring/alerts";
import { built } from "../../toolchain/goModules";
import { kubeconfig, logs, nodeName } from "../../toolchain/places";
import { until } from "../../toolchain/progress";

export interface Sample {
    metric: Record<string, string>;
    /** Seconds since the epoch, and the value as text. */
    value: [number, string];
}

export interface Line {
    metric: Record<string, string>;
    values: [number, string][];
}

interface Rule {
    name: string;
    health: string;
    lastError?: string;
    state: "inactive" | "pending" | "firing";
}

/** Outside the range of NodePorts, which would take precedence. */
const port = 9095;

/** A real Prometheus on this machine. It finds pods by their annotations, as in a cluster, and also reads the node's metrics. */
export class Prometheus {
    private constructor(
        private readonly process: ChildProcess,
        private readonly folder: string,
        private readonly address: string,
    ) {}

    static async start(namespace: string, groups: RuleGroup[]): Promise<Prometheus> {
        const folder = mkdtempSync(join(tmpdir(), "sms-prometheus-"));
        writeFileSync(join(folder, "rules.json"), JSON.stringify({ groups: groups.map((group) => ({ ...group, interval: "2s" })) }));
        writeFileSync(join(folder, "prometheus.yml"), stringify(configuration(namespace, folder)));
        const log = openSync(join(logs, "prometheus.log"), "a");
        const args = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", `--web.listen-address=127.0.0.1:${port}`];
        const process = spawn(join(await built("prometheus"), "prometheus"), args, { cwd: folder, stdio: ["ignore", log, log] });
        const prometheus = new Prometheus(process, folder, `http://127.0.0.1:${port}`);
        try {
            await until(
                async () => (await fetch(`${prometheus.address}/-/ready`).catch(() => undefined))?.status === 200,
                30,
                () => `Prometheus doesn't start: ${join(logs, "prometheus.log")}`,
            );
            return prometheus;
        } catch (error) {
            prometheus.stop();
            throw error;
        }
    }

    /** Throws if `expr` is no valid PromQL. */
    async query(expr: string): Promise<Sample[]> {
        return (await this.ask<{ result: Sample[] }>("query", { query: expr })).result;
    }

    async lines(expr: string, from: Date, to: Date, stepSeconds: number): Promise<Line[]> {
        const [start, end] = [from, to].map((time) => `${time.getTime() / 1000}`) as [string, string];
        return (await this.ask<{ result: Line[] }>("query_range", { query: expr, start, end, step: `${stepSeconds}` })).result;
    }

    async rules(): Promise<Rule[]> {
        return (await this.ask<{ groups: { rules: Rule[] }[] }>("rules", {})).groups.flatMap(({ rules }) => rules);
    }

    stop(): void {
        this.process.kill();
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }

    private async ask<T>(what: string, parameters: Record<string, string>): Promise<T> {
        const response = await fetch(`${this.address}/api/v1/${what}?${new URLSearchParams(parameters)}`);
        const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
        if (status !== "success") {
            throw new Error(`${parameters.query ?? what}: ${error}`);
        }
        return data;
    }
}

function configuration(namespace: string, folder: string) {
    const { server, tls_config } = apiServer(folder);
    const pod = (name: string) => `__meta_kubernetes_pod_${name}`;
    return {
        global: { scrape_interval: "2s", scrape_timeout: "2s" },
        rule_files: ["rules.json"],
        scrape_configs: [
            {
                job_name: "pods",
                kubernetes_sd_configs: [{ role: "pod", kubeconfig_file: kubeconfig, namespaces: { names: [namespace] } }],
                // This host can't reach pods by their addresses, so requests go through the API server's proxy.
                scheme: "https",
                tls_config,
                relabel_configs: [
                    { action: "keep", source_labels: [pod("annotation_prometheus_io_scrape")], regex: "true" },
                    { target_label: "__address__", replacement: server },
                    {
                        source_labels: [
                            "namespace",
                            "pod_name",
                            "pod_annotation_prometheus_io_port",
                            "pod_annotation_prometheus_io_path",
                        ].map((label) => `__meta_kubernetes_${label}`),
                        regex: "(.+);(.+);(.+);(.+)",
                        replacement: "/api/v1/namespaces/$1/pods/$2:$3/proxy$4",
                        target_label: "__metrics_path__",
                    },
                    { source_labels: [pod("name"), pod("annotation_prometheus_io_port")], separator: ":", target_label: "instance" },
                    { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
                    { source_labels: [pod("name")], target_label: "pod" },
                    { source_labels: [pod("label_app")], target_label: "job" },
                ],
            },
            ...["metrics", "metrics/cadvisor"].map((path) => ({
                job_name: `node-${path}`,
                scheme: "https",
                tls_config,
                scrape_interval: "5s",
                scrape_timeout: "5s",
                metrics_path: `/api/v1/nodes/${nodeName}/proxy/${path}`,
                static_configs: [{ targets: [server] }],
                metric_relabel_configs: [{ action: "keep", source_labels: ["namespace"], regex: namespace }],
            })),
        ],
    };
}

/** The API server's address and certificates, from the machine's kubeconfig. */
function apiServer(folder: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as {
        clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
        users: { user: { "client-certificate-data": string; "client-key-data": string } }[];
    };
    const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
    const file = (name: string, base64 = "") => {
        writeFileSync(join(folder, name), Buffer.from(base64, "base64"), { mode: 0o600 });
        return name;
    };
    return {
        server: cluster?.server.replace("https://", ""),
        tls_config: {
            ca_file: file("ca.pem", cluster?.["certificate-authority-data"]),
            cert_file: file("client.pem", user?.["client-certificate-data"]),
            key_file: file("client.key", user?.["client-key-data"]),
        },
    };
}
