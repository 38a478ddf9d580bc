import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { LogCollector, type LogDestination, logSidecars, OtlpLogs, SlsLogs } from "../../components/logs";
import { Web } from "../../components/web";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { app, mounts, replicated, resources, secured, volumes } from "./appArgs";

const configMapType = "kubernetes:core/v1:ConfigMap";
const slsArgs = {
    project: "sms-online",
    store: "app",
    retentionDays: 30,
    region: "cn-hangzhou",
    network: "intranet" as const,
    accessKeyId: "LTAI5t",
    accessKeySecret: pulumi.secret("key/secret+1"),
    tags: { product: "sms" },
    protect: true,
};

describe("logs in SLS", () => {
    const sls = () => new SlsLogs("logs", slsArgs);

    it("are in a logstore of their own project, with the retention of the settings", async () => {
        const { deployed } = await deploy(sls);
        assert.deepEqual(deployed.listed(), [
            "logs (sms:logs:Sls)",
            "logs-index (alicloud:log/storeIndex:StoreIndex)",
            "logs-project (alicloud:log/project:Project)",
            "logs-store (alicloud:log/store:Store)",
        ]);
        assert.deepEqual(deployed.one(types.logProject).inputs, {
            projectName: "sms-online",
            description: "sms",
            tags: { product: "sms" },
        });
        assert.deepEqual(deployed.one(types.logStore).inputs, {
            projectName: "sms-online",
            logstoreName: "app",
            retentionPeriod: 30,
            shardCount: 2,
            autoSplit: true,
            maxSplitShardCount: 64,
        });
        assert.deepEqual(deployed.one(types.logStore).dependencies, ["logs-project"]);
    });

    it("can be searched by every word and by their origin", async () => {
        const { deployed } = await deploy(sls);
        const { project, logstore, fullText, fieldSearches } = deployed.one(types.logIndex).inputs;
        assert.deepEqual([project, logstore], ["sms-online", "app"]);
        assert.equal(fullText.includeChinese, true);
        assert.deepEqual(
            fieldSearches.map(({ name, type }: { name: string; type: string }) => `${name}: ${type}`),
            [
                ...["level", "logger", "message", "pod", "container", "node", "path"].map((name) => `${name}: text`),
                "status: long",
                "milliseconds: double",
            ],
        );
        assert.deepEqual(deployed.one(types.logIndex).dependencies, ["logs-project", "logs-store"]);
    });

    it("can't be deleted if they are protected", async () => {
        const { deployed } = await deploy(sls);
        assert.deepEqual([deployed.one(types.logProject).protect, deployed.one(types.logStore).protect], [true, true]);
        const { deployed: test } = await deploy(() => new SlsLogs("logs", { ...slsArgs, protect: false }));
        assert.deepEqual([test.one(types.logProject).protect, test.one(types.logStore).protect], [false, false]);
    });

    it("go by Kafka's protocol with TLS, the project as the user and the access key as the password", async () => {
        const { result } = await deploy(sls);
        assert.deepEqual(await resolve(result.exporter), {
            value: {
                kafka: {
                    brokers: ["sms-online.cn-hangzhou-intranet.log.aliyuncs.com:10011"],
                    protocol_version: "2.1.0",
                    client_id: "sms",
                    tls: {},
                    auth: {
                        sasl: { mechanism: "PLAIN", version: 1, username: "sms-online", password: `\${env:SLS_ACCESS_KEY}` },
                    },
                    logs: { topic: "app.json", encoding: "raw" },
                    metadata: { full: false },
                    timeout: "10s",
                },
            },
            secret: false,
        });
        assert.deepEqual(Object.keys(result.credentials), ["SLS_ACCESS_KEY"]);
        assert.deepEqual(await resolve(result.credentials.SLS_ACCESS_KEY as pulumi.Output<string>), {
            value: "LTAI5t#key/secret+1",
            secret: true,
        });
    });

    it("are sent over the internet from other clouds", async () => {
        const { result } = await deploy(() => new SlsLogs("logs", { ...slsArgs, network: "public" }));
        const { kafka } = (await resolve(result.exporter)).value as { kafka: { brokers: string[] } };
        assert.deepEqual(kafka.brokers, ["sms-online.cn-hangzhou.log.aliyuncs.com:10012"]);
    });
});

describe("logs by OTLP", () => {
    it("are sent to an endpoint, with only the configured headers", async () => {
        const { exporter, credentials } = new OtlpLogs({ endpoint: "https://otlp.example.com:4318" });
        assert.deepEqual(await resolve(exporter), {
            value: { otlphttp: { endpoint: "https://otlp.example.com:4318", timeout: "10s" } },
            secret: false,
        });
        assert.deepEqual(credentials, {});
    });

    it("are sent with an Authorization header that is a secret", async () => {
        const { exporter, credentials } = new OtlpLogs({ endpoint: "https://otlp.example.com", authorization: "Bearer 1" });
        assert.deepEqual((await resolve(exporter)).value.otlphttp, {
            endpoint: "https://otlp.example.com",
            timeout: "10s",
            headers: { authorization: `\${env:OTLP_AUTHORIZATION}` },
        });
        assert.deepEqual(await resolve(credentials.OTLP_AUTHORIZATION as pulumi.Output<string>), { value: "Bearer 1", secret: true });
    });
});

describe("the log collector", () => {
    const image = "otel/opentelemetry-collector-contrib:0.128.0";
    const shipTo = (destination: () => LogDestination) => () =>
        new LogCollector("log-collector", {
            namespace: "sms",
            image,
            resources,
            drainSeconds: 5,
            environment: "online",
            destination: destination(),
        });
    const toSls = shipTo(() => new SlsLogs("logs", slsArgs));
    const toOtlp = shipTo(() => new OtlpLogs({ endpoint: "https://otlp.example.com" }));

    const configuration = async (program: () => LogCollector) => {
        const { deployed } = await deploy(program, "online");
        return JSON.parse(deployed.one(configMapType).inputs.data["config.yaml"]);
    };

    it("has a ConfigMap and a Secret whose names change with their content", async () => {
        const { deployed, result } = await deploy(toSls);
        for (const type of [configMapType, types.secret]) {
            const { inputs, parent } = deployed.one(type);
            assert.deepEqual([inputs.metadata, inputs.immutable, parent], [{ namespace: "sms" }, true, "log-collector"]);
        }
        assert.deepEqual(await resolve(result.config), { value: "log-collector-config-1a2b3c4d", secret: false });
        assert.deepEqual(await resolve(result.credentials as pulumi.Output<string>), {
            value: "log-collector-secret-1a2b3c4d",
            secret: false,
        });
    });

    it("has its credentials only in the Secret, as a secret in the state", async () => {
        const { deployed } = await deploy(toSls);
        const { inputs, secrets } = deployed.one(types.secret);
        assert.deepEqual(inputs.stringData, { SLS_ACCESS_KEY: "LTAI5t#key/secret+1" });
        assert.deepEqual(secrets, ["stringData"]);
        const others = deployed.resources.filter(({ type }) => type !== types.secret);
        for (const said of ["key/secret+1", "LTAI5t"]) {
            assert.ok(!JSON.stringify(others.map(({ inputs }) => inputs)).includes(said), said);
        }
    });

    it("has no Secret without credentials", async () => {
        const { deployed, result } = await deploy(toOtlp);
        assert.deepEqual(deployed.listed(), ["log-collector (sms:logs:Collector)", "log-collector-config (kubernetes:core/v1:ConfigMap)"]);
        assert.equal(result.credentials, undefined);
    });

    it("reads each file from its beginning, also rotated files, and stores its position", async () => {
        const { receivers, extensions } = await configuration(toSls);
        const { include, start_at, storage, retry_on_failure, include_file_record_number } = receivers.filelog;
        assert.deepEqual(include, ["/var/log/sms/*.log", "/var/log/sms/*.log.*"]);
        assert.deepEqual([start_at, storage, include_file_record_number], ["beginning", "file_storage", true]);
        assert.equal(retry_on_failure.max_elapsed_time, "0s");
        assert.deepEqual(extensions.file_storage, { directory: "/var/lib/otelcol" });
    });

    it("stores unsent lines on disk, and retries without a limit", async () => {
        for (const [type, program] of [
            ["kafka", toSls],
            ["otlphttp", toOtlp],
        ] as const) {
            const { exporters, service } = await configuration(program);
            assert.deepEqual(exporters[type].retry_on_failure, {
                enabled: true,
                initial_interval: "1s",
                max_interval: "10s",
                max_elapsed_time: "0s",
            });
            assert.deepEqual(exporters[type].sending_queue, {
                enabled: true,
                storage: "file_storage",
                queue_size: 1000,
                block_on_overflow: true,
                num_consumers: 4,
            });
            assert.deepEqual(service.pipelines, {
                logs: { receivers: ["filelog"], processors: ["memory_limiter", "transform"], exporters: [type] },
            });
        }
    });

    it("adds the origin to each line", async () => {
        const { receivers, processors } = await configuration(toSls);
        assert.deepEqual(receivers.filelog.resource, {
            "service.name": `\${env:CONTAINER_NAME}`,
            "k8s.pod.name": `\${env:POD_NAME}`,
            "k8s.container.name": `\${env:CONTAINER_NAME}`,
            "k8s.node.name": `\${env:NODE_NAME}`,
            "k8s.namespace.name": `\${env:NAMESPACE}`,
            "service.namespace": "online",
            "deployment.environment.name": "online",
        });
        const fields = processors.transform.log_statements.map((statement: string) => /^set\(log\.body\["(\w+)"\]/.exec(statement)?.[1]);
        assert.deepEqual(fields.filter(Boolean), ["pod", "container", "node", "namespace", "stack", "environment", "file", "line"]);
    });

    it("sends by OTLP the time and the level that the app wrote", async () => {
        const { processors } = await configuration(toOtlp);
        const statements = processors.transform.log_statements.join("\n");
        assert.match(statements, /set\(log\.time, Time\(log\.body\["timestamp"\]/);
        assert.match(statements, /set\(log\.severity_number, SEVERITY_NUMBER_WARN\) where log\.body\["level"\] == "WARNING"/);
        assert.doesNotMatch(statements, /set\(log\.body\["pod"\]/);
    });
});

describe("a pod that ships its logs", () => {
    const collector = { image: "otelcol:1", resources, drainSeconds: 7, config: "log-config-1", credentials: "log-secret-1" };
    const podSpec = async (shipping: object) => {
        const args = { ...replicated, nodePort: 31090, workers: 2, threads: 16, preStopSeconds: 10, gracefulTimeoutSeconds: 30 };
        const { deployed } = await deploy(() => new Web("web", { ...args, app: { ...app, logs: { sizeLimit: "1Gi", ...shipping } } }));
        return deployed.one(types.deployment).inputs.spec.template.spec;
    };

    it("has a collector that starts before the app and ends after it, with time for the last lines", async () => {
        const { initContainers } = await podSpec({ collector });
        assert.deepEqual(
            initContainers.map(({ name, restartPolicy }: Record<string, string>) => [name, restartPolicy]),
            [
                ["log-collector", "Always"],
                ["log-drain", "Always"],
            ],
        );
        assert.deepEqual(initContainers[1], {
            name: "log-drain",
            image: app.image,
            command: ["sh", "-c", "trap 'sleep 7; exit' TERM; while :; do sleep 3600 & wait; done"],
            resources: { requests: { cpu: "1m", memory: "8Mi" }, limits: { cpu: "100m", memory: "32Mi" } },
            restartPolicy: "Always",
            terminationMessagePolicy: "FallbackToLogsOnError",
            securityContext: secured.container,
            volumeMounts: [],
        });
    });

    it("has a collector with at most the app's rights, and its credentials from the Secret", async () => {
        const { initContainers } = await podSpec({ collector });
        assert.deepEqual(initContainers[0], {
            name: "log-collector",
            image: "otelcol:1",
            args: ["--config=/etc/otelcol-contrib/config.yaml", "--feature-gates=stanza.synchronousLogEmitter"],
            env: [
                { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
                { name: "NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
                { name: "CONTAINER_NAME", value: "sms-web" },
            ],
            envFrom: [{ secretRef: { name: "log-secret-1" } }],
            resources,
            livenessProbe: { httpGet: { path: "/", port: 13133 }, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 3 },
            restartPolicy: "Always",
            terminationMessagePolicy: "FallbackToLogsOnError",
            securityContext: secured.container,
            volumeMounts: [
                { name: "log-dir", mountPath: "/var/log/sms", readOnly: true },
                { name: "log-config", mountPath: "/etc/otelcol-contrib", readOnly: true },
                { name: "log-state", mountPath: "/var/lib/otelcol" },
            ],
        });
    });

    it("has the volumes of both containers, each once", async () => {
        const spec = await podSpec({ collector });
        assert.deepEqual(spec.volumes, [
            ...volumes,
            { name: "log-config", configMap: { name: "log-config-1" } },
            { name: "log-state", emptyDir: { sizeLimit: "1Gi" } },
        ]);
        assert.deepEqual(spec.containers[0].volumeMounts, mounts);
    });

    it("has no collector if no logs are shipped", async () => {
        const spec = await podSpec({});
        assert.equal("initContainers" in spec, false);
        assert.deepEqual(spec.volumes, volumes);
    });

    it("uses no credentials if there are none", () => {
        const [sidecar] = logSidecars({ ...collector, credentials: undefined }, "sms-web", app);
        assert.deepEqual(sidecar?.envFrom, []);
    });
});
