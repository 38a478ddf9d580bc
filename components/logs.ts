import { Project } from "@pulumi/alicloud/log/project";
import { Store } from "@pulumi/alicloud/log/store";
import { StoreIndex } from "@pulumi/alicloud/log/storeIndex";
import { ConfigMap, Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Resources, Sidecar } from "./podTemplate";

/** A collector's exporter: its settings by its type. */
type Exporter = Record<string, object>;

/** Where the pods' logs go: all that a collector needs to know of it. */
export interface LogDestination {
    /** In its settings, `${env:NAME}` stands for one of the credentials. */
    readonly exporter: pulumi.Output<Exporter>;
    /** By the name of the variable; secrets. */
    readonly credentials: Record<string, pulumi.Output<string>>;
    readonly port: number;
    /** It keeps a record's body and nothing else: pod, node and the like have to be part of it. */
    readonly keepsBodyOnly: boolean;
}

export interface SlsLogsArgs {
    /** Unique among all customers of the region. Lower-case letters, digits and hyphens, 3 to 63. */
    project: string;
    /** The logstore's name. */
    store: string;
    retentionDays: number;
    /** The project's region, for example `cn-hangzhou`. */
    region: string;
    /** How the pods reach it: `public` from outside of Alibaba Cloud or from another region. */
    network: "intranet" | "public";
    /** A RAM user's who may write to this project's logstores and do nothing else. */
    accessKeyId: pulumi.Input<string>;
    accessKeySecret: pulumi.Input<string>;
    tags?: Record<string, string>;
    /** Keeps project and logstore, and with them the logs, from being deleted by Pulumi. */
    protect: boolean;
}

/** Where words end, in texts that are searched. */
const token = ", '\";=()[]{}?@&<>/:\n\t\r";
const text = { type: "text", caseSensitive: false, includeChinese: true, token, enableAnalytics: true };

/** A logstore in Alibaba Cloud's Simple Log Service. */
export class SlsLogs extends pulumi.ComponentResource implements LogDestination {
    readonly exporter: pulumi.Output<Exporter>;
    readonly credentials: Record<string, pulumi.Output<string>>;
    readonly port: number;
    readonly keepsBodyOnly = true;

    constructor(name: string, args: SlsLogsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:logs:Sls", name, {}, opts);

        const project = new Project(
            `${name}-project`,
            { projectName: args.project, description: "sms", tags: args.tags },
            // Who else may use the project is set by hand.
            { parent: this, protect: args.protect, ignoreChanges: ["policy"] },
        );
        const store = new Store(
            `${name}-store`,
            {
                projectName: project.projectName,
                logstoreName: args.store,
                retentionPeriod: args.retentionDays,
                shardCount: 2,
                autoSplit: true,
                maxSplitShardCount: 64,
            },
            // SLS splits shards by itself, and tells of kinds of storage that nobody asked for: one of them would replace the store.
            { parent: this, protect: args.protect, ignoreChanges: ["shardCount", "telemetryType", "hotTtl"] },
        );
        new StoreIndex(
            `${name}-index`,
            {
                project: project.projectName,
                logstore: store.logstoreName,
                fullText: { caseSensitive: false, includeChinese: true, token },
                fieldSearches: [
                    ...["level", "logger", "message", "pod", "container", "node", "path"].map((name) => ({ name, ...text })),
                    { name: "status", type: "long", enableAnalytics: true },
                    { name: "milliseconds", type: "double", enableAnalytics: true },
                ],
            },
            { parent: this },
        );

        this.exporter = pulumi
            .all([project.projectName, store.logstoreName])
            .apply(([project, store]) => slsExporter(project, store, args));
        this.port = brokerPort[args.network];
        this.credentials = { SLS_ACCESS_KEY: pulumi.secret(pulumi.interpolate`${args.accessKeyId}#${args.accessKeySecret}`) };
        this.registerOutputs();
    }
}

const brokerPort = { intranet: 10011, public: 10012 };

/** SLS takes logs by Kafka's protocol: the project is the user, the access key the password. */
function slsExporter(project: string, store: string, { region, network }: SlsLogsArgs): Exporter {
    const host = `${project}.${region}${network === "intranet" ? "-intranet" : ""}.log.aliyuncs.com`;
    return {
        kafka: {
            brokers: [`${host}:${brokerPort[network]}`],
            protocol_version: "2.1.0",
            client_id: "sms",
            tls: {},
            auth: { sasl: { mechanism: "PLAIN", version: 1, username: project, password: variable("SLS_ACCESS_KEY") } },
            // With this suffix, what is in the JSON object becomes the log's fields.
            logs: { topic: `${store}.json`, encoding: "raw" },
            // No questions while it starts: a collector that can't reach SLS must not take its pod out of the Service.
            metadata: { full: false },
            timeout: "10s",
        },
    };
}

export interface OtlpLogsArgs {
    /** For example `https://otlp.example.com:4318`; the collector adds `/v1/logs`. */
    endpoint: string;
    /** The `Authorization` header, where one is asked for. */
    authorization?: pulumi.Input<string>;
}

/** Whatever takes logs as OTLP over HTTP. */
export class OtlpLogs implements LogDestination {
    readonly exporter: pulumi.Output<Exporter>;
    readonly credentials: Record<string, pulumi.Output<string>>;
    readonly port: number;
    readonly keepsBodyOnly = false;

    constructor({ endpoint, authorization }: OtlpLogsArgs) {
        this.credentials = authorization === undefined ? {} : { OTLP_AUTHORIZATION: pulumi.secret(authorization) };
        const headers = authorization === undefined ? {} : { headers: { authorization: variable("OTLP_AUTHORIZATION") } };
        const exporter: Exporter = { otlphttp: { endpoint, timeout: "10s", ...headers } };
        this.exporter = pulumi.output(exporter);
        this.port = portOf(endpoint);
    }
}

/** The port of an `https://` or `http://` address. */
export function portOf(address: string): number {
    const { port, protocol } = new URL(address);
    return Number(port || (protocol === "http:" ? 80 : 443));
}

/** What the collectors beside the pods have in common: all that a pod needs to know of them. */
export interface Collector {
    readonly image: string;
    readonly resources: Resources;
    readonly drainSeconds: number;
    /** The ConfigMap's name. */
    readonly config: pulumi.Input<string>;
    /** The Secret's, where there are credentials. */
    readonly credentials?: pulumi.Input<string>;
}

export interface LogCollectorArgs {
    namespace: pulumi.Input<string>;
    /** `otel/opentelemetry-collector-contrib`, or one with the same command and components. */
    image: string;
    /** Of one collector; each pod has its own. */
    resources: Resources;
    /** For so long it reads on after the last container has ended; a pod's grace period has to allow for it. */
    drainSeconds: number;
    destination: LogDestination;
    /** What each line is marked with, besides its pod, container and node. */
    environment: string;
}

/** Configuration and credentials of the collectors that ship the pods' logs. */
export class LogCollector extends pulumi.ComponentResource implements Collector {
    readonly image: string;
    readonly resources: Resources;
    readonly drainSeconds: number;
    readonly config: pulumi.Output<string>;
    readonly credentials?: pulumi.Output<string>;

    constructor(name: string, args: LogCollectorArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:logs:Collector", name, {}, opts);

        const marks = { stack: pulumi.getStack(), environment: args.environment };
        const config = new ConfigMap(
            `${name}-config`,
            {
                // Named by Pulumi: another configuration is another name, and so other pods.
                metadata: { namespace: args.namespace },
                immutable: true,
                data: {
                    "config.yaml": args.destination.exporter.apply((exporter) =>
                        JSON.stringify(collectorConfig(exporter, marks, args.destination.keepsBodyOnly), undefined, 2),
                    ),
                },
            },
            { parent: this },
        );
        if (Object.keys(args.destination.credentials).length > 0) {
            const secret = new Secret(
                `${name}-secret`,
                {
                    metadata: { namespace: args.namespace },
                    immutable: true,
                    stringData: pulumi.secret(args.destination.credentials),
                },
                { parent: this },
            );
            this.credentials = secret.metadata.name;
        }

        this.image = args.image;
        this.resources = args.resources;
        this.drainSeconds = args.drainSeconds;
        this.config = config.metadata.name;
        this.registerOutputs({ config: this.config, credentials: this.credentials });
    }
}

const logFolder = "/var/log/sms";
const stateFolder = "/var/lib/otelcol";
const healthPort = 13133;

/** The collector puts the variable's value there. */
function variable(name: string) {
    return `\${env:${name}}`;
}

/** What says of each line where it is from: a name in the logstore, OpenTelemetry's name, and the value. */
function origin(marks: Record<"stack" | "environment", string>) {
    return [
        { field: "pod", attribute: "k8s.pod.name", value: variable("POD_NAME") },
        { field: "container", attribute: "k8s.container.name", value: variable("CONTAINER_NAME") },
        { field: "node", attribute: "k8s.node.name", value: variable("NODE_NAME") },
        { field: "namespace", attribute: "k8s.namespace.name", value: variable("NAMESPACE") },
        { field: "stack", attribute: "service.namespace", value: marks.stack },
        { field: "environment", attribute: "deployment.environment.name", value: marks.environment },
    ];
}

/** The same for every pod: what differs is in the collector's environment. */
function collectorConfig(exporter: Exporter, marks: Record<"stack" | "environment", string>, keepsBodyOnly: boolean) {
    const forever = { enabled: true, initial_interval: "1s", max_interval: "10s", max_elapsed_time: "0s" };
    const queue = { enabled: true, storage: "file_storage", queue_size: 1000, block_on_overflow: true, num_consumers: 4 };
    const exporters = Object.entries(exporter).map(([type, settings]) => [
        type,
        { ...settings, retry_on_failure: forever, sending_queue: queue },
    ]);
    return {
        extensions: {
            file_storage: { directory: stateFolder },
            health_check: { endpoint: `0.0.0.0:${healthPort}` },
        },
        receivers: {
            filelog: {
                // With those that were rotated away since the last look.
                include: [`${logFolder}/*.log`, `${logFolder}/*.log.*`],
                start_at: "beginning",
                storage: "file_storage",
                retry_on_failure: forever,
                // Far below what a Kafka message may have: one that is refused for its size would be sent again for ever.
                max_log_size: "128KiB",
                include_file_record_number: true,
                resource: {
                    "service.name": variable("CONTAINER_NAME"),
                    ...Object.fromEntries(origin(marks).map(({ attribute, value }) => [attribute, value])),
                },
            },
        },
        processors: {
            memory_limiter: { check_interval: "1s", limit_percentage: 75, spike_limit_percentage: 20 },
            transform: { error_mode: "ignore", log_statements: [...parsed, ...(keepsBodyOnly ? inBody(marks) : asOpenTelemetry)] },
        },
        exporters: Object.fromEntries(exporters),
        service: {
            extensions: ["file_storage", "health_check"],
            pipelines: { logs: { receivers: ["filelog"], processors: ["memory_limiter", "transform"], exporters: Object.keys(exporter) } },
            // At "warn" it doesn't say that, and why, it has to try again.
            telemetry: { logs: { level: "info", encoding: "json" }, metrics: { level: "none" } },
        },
    };
}

/** A line that is no JSON object is its message. */
const parsed = [
    'set(log.body, ParseJSON(log.body)) where IsMatch(log.body, "^\\\\{")',
    'set(log.body, {"message": log.body}) where IsString(log.body)',
];

/** `file` and `line` tell a line that came twice from two lines that are alike, and one that never came by the gap. */
function inBody(marks: Record<"stack" | "environment", string>) {
    return [
        ...origin(marks).map(({ field, attribute }) => `set(log.body["${field}"], resource.attributes["${attribute}"])`),
        'set(log.body["file"], log.attributes["log.file.name"])',
        'set(log.body["line"], log.attributes["log.file.record_number"])',
    ];
}

const asOpenTelemetry = [
    'set(log.time, Time(log.body["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%j")) where log.body["timestamp"] != nil',
    'set(log.severity_text, log.body["level"]) where log.body["level"] != nil',
    ...Object.entries({ DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARN", ERROR: "ERROR", CRITICAL: "FATAL" }).map(
        ([level, severity]) => `set(log.severity_number, SEVERITY_NUMBER_${severity}) where log.body["level"] == "${level}"`,
    ),
];

/**
 * The collector of one pod and what gives it time. A collector that is told to stop looks at no file again, and it is told
 * the moment the last container has ended: the last lines would be lost. So there is a second sidecar between the two,
 * which ends later than the one and earlier than the other, and does nothing else.
 */
export function logSidecars(
    { image, resources, drainSeconds, config, credentials }: Collector,
    container: string,
    app: { image: pulumi.Input<string> },
): Sidecar[] {
    return [
        {
            name: "log-collector",
            image,
            args: [
                "--config=/etc/otelcol-contrib/config.yaml",
                // Otherwise a line counts as read while it is in memory only, and is lost with a collector that is killed.
                "--feature-gates=stanza.synchronousLogEmitter",
            ],
            env: [
                ...Object.entries({ POD_NAME: "metadata.name", NODE_NAME: "spec.nodeName", NAMESPACE: "metadata.namespace" }).map(
                    ([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } }),
                ),
                { name: "CONTAINER_NAME", value: container },
            ],
            envFrom: credentials === undefined ? [] : [{ secretRef: { name: credentials } }],
            resources,
            livenessProbe: { httpGet: { path: "/", port: healthPort }, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 3 },
            volumes: [
                { name: "log-dir", mountPath: logFolder, readOnly: true },
                { name: "log-config", mountPath: "/etc/otelcol-contrib", readOnly: true, configMap: { name: config } },
                // Outlives the container: how far it has read, and what it hasn't sent yet.
                { name: "log-state", mountPath: stateFolder, emptyDir: { sizeLimit: "1Gi" } },
            ],
        },
        {
            name: "log-drain",
            image: app.image,
            command: ["sh", "-c", `trap 'sleep ${drainSeconds}; exit' TERM; while :; do sleep 3600 & wait; done`],
            resources: { requests: { cpu: "1m", memory: "8Mi" }, limits: { cpu: "100m", memory: "32Mi" } },
            volumes: [],
        },
    ];
}
