import { Project } from "@pulumi/alicloud/log/project";
import { Store } from "@pulumi/alicloud/log/store";
import { StoreIndex } from "@pulumi/alicloud/log/storeIndex";
import { ConfigMap, Secret } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { OtherContainer, Resources } from "./podTemplate";

/** A collector's exporter: its settings by its type. */
type Exporter = Record<string, object>;

/** The destination of the pods' logs, with everything that a collector needs to know. */
export interface LogDestination {
    /** In its settings, `${env:NAME}` stands for one of the credentials. */
    readonly exporter: pulumi.Output<Exporter>;
    /** Secret values by the names of their variables. */
    readonly credentials: Record<string, pulumi.Output<string>>;
    readonly port: number;
    /** The destination keeps only a record's body. So the body must contain the pod, the node and the other marks. */
    readonly keepsBodyOnly: boolean;
    /** The SLS project's name, if the logs go to SLS. */
    readonly project?: pulumi.Output<string>;
}

export interface SlsLogsArgs {
    /** Unique among all customers of the region. Lower-case letters, digits and hyphens, 3 to 63. */
    project: string;
    /** The logstore's name. */
    store: string;
    retentionDays: number;
    /** The project's region, for example `cn-hangzhou`. */
    region: string;
    /** The endpoint for the pods. `public` is for pods outside Alibaba Cloud or in another region. */
    network: "intranet" | "public";
    /** The key of a RAM user who may write to this project's logstores and do nothing else. */
    accessKeyId: pulumi.Input<string>;
    accessKeySecret: pulumi.Input<string>;
    tags?: Record<string, string>;
    /** Stops Pulumi from deleting project and logstore, and so the logs. */
    protect: boolean;
}

/** The characters that separate words in searchable texts. */
const token = ", '\";=()[]{}?@&<>/:\n\t\r";
const text = { type: "text", caseSensitive: false, includeChinese: true, token, enableAnalytics: true };

/** A logstore in Alibaba Cloud's Simple Log Service. */
export class SlsLogs extends pulumi.ComponentResource implements LogDestination {
    readonly exporter: pulumi.Output<Exporter>;
    readonly credentials: Record<string, pulumi.Output<string>>;
    readonly port: number;
    readonly keepsBodyOnly = true;
    readonly project: pulumi.Output<string>;

    constructor(name: string, args: SlsLogsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:logs:Sls", name, {}, opts);

        const project = new Project(
            `${name}-project`,
            { projectName: args.project, description: "sms", tags: args.tags },
            // The project's access policy is set by hand.
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
            // SLS splits shards itself. It also reports storage types that the program didn't set. A difference in one of them would
            // replace the store.
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

        this.project = project.projectName;
        this.exporter = pulumi
            .all([project.projectName, store.logstoreName])
            .apply(([project, store]) => slsExporter(project, store, args));
        this.port = brokerPort[args.network];
        this.credentials = { SLS_ACCESS_KEY: pulumi.secret(pulumi.interpolate`${args.accessKeyId}#${args.accessKeySecret}`) };
        this.registerOutputs();
    }
}

const brokerPort = { intranet: 10011, public: 10012 };

/** SLS accepts logs over Kafka's protocol. The user is the project, and the password is the access key. */
function slsExporter(project: string, store: string, { region, network }: SlsLogsArgs): Exporter {
    const host = `${project}.${region}${network === "intranet" ? "-intranet" : ""}.log.aliyuncs.com`;
    return {
        kafka: {
            brokers: [`${host}:${brokerPort[network]}`],
            protocol_version: "2.1.0",
            client_id: "sms",
            tls: {},
            auth: { sasl: { mechanism: "PLAIN", version: 1, username: project, password: variable("SLS_ACCESS_KEY") } },
            // With this suffix SLS turns the JSON object's keys into the log's fields.
            logs: { topic: `${store}.json`, encoding: "raw" },
            // The collector requests no metadata at its start. A collector that can't reach SLS must not take its pod out of the Service.
            metadata: { full: false },
            timeout: "10s",
        },
    };
}

export interface OtlpLogsArgs {
    /** For example `https://otlp.example.com:4318`; the collector adds `/v1/logs`. */
    endpoint: string;
    /** The `Authorization` header, if the endpoint requires one. */
    authorization?: pulumi.Input<string>;
}

/** A receiver of logs as OTLP over HTTP. */
export class OtlpLogs implements LogDestination {
    readonly exporter: pulumi.Output<Exporter>;
    readonly credentials: Record<string, pulumi.Output<string>>;
    readonly port: number;
    readonly keepsBodyOnly = false;
    readonly project?: pulumi.Output<string>;

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

/** The collectors' common settings, with everything that a pod needs to know. */
export interface Collector {
    readonly image: pulumi.Input<string>;
    readonly resources: Resources;
    readonly drainSeconds: number;
    /** The ConfigMap's name. */
    readonly config: pulumi.Input<string>;
    /** The Secret's name, if there are credentials. */
    readonly credentials?: pulumi.Input<string>;
}

export interface LogCollectorArgs {
    namespace: pulumi.Input<string>;
    /** `otel/opentelemetry-collector-contrib`, or an image with the same command and components. */
    image: pulumi.Input<string>;
    /** The resources of one collector. Each pod has its own collector. */
    resources: Resources;
    /** The seconds for which it still reads after the last container has ended. A pod's grace period must include them. */
    drainSeconds: number;
    destination: LogDestination;
    /** The environment's name, a mark of each line besides its pod, container and node. */
    environment: string;
}

/** Configuration and credentials of the collectors that ship the pods' logs. */
export class LogCollector extends pulumi.ComponentResource implements Collector {
    readonly image: pulumi.Input<string>;
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
                // Pulumi generates the name, so a changed configuration gets a new name and new pods.
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

/** A reference that the collector replaces with the variable's value. */
function variable(name: string) {
    return `\${env:${name}}`;
}

/** The marks of each line's origin: the field's name in the logstore, OpenTelemetry's name, and the value. */
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

/** The configuration is the same for every pod. The differences are in the collector's environment. */
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
                // Includes the files that were rotated since the last poll.
                include: [`${logFolder}/*.log`, `${logFolder}/*.log.*`],
                start_at: "beginning",
                storage: "file_storage",
                retry_on_failure: forever,
                // Far below the limit of a Kafka message. A message that is refused for its size would be sent again for ever.
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
            // At "warn" the collector doesn't log its retries and their reasons.
            telemetry: { logs: { level: "info", encoding: "json" }, metrics: { level: "none" } },
        },
    };
}

/** If a line isn't a JSON object, the whole line becomes the message. */
const parsed = [
    'set(log.body, ParseJSON(log.body)) where IsMatch(log.body, "^\\\\{")',
    'set(log.body, {"message": log.body}) where IsString(log.body)',
];

/** `file` and `line` distinguish a line that came twice from two equal lines. A gap in `line` shows a lost line. */
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
 * A pod's collector, and a sidecar that delays the collector's end. A collector that receives SIGTERM reads no file again. Kubernetes sends
 * SIGTERM as soon as the last container has ended, so the last lines would be lost. The second sidecar ends after the container and before
 * the collector. It does nothing else.
 */
export function logSidecars(
    { image, resources, drainSeconds, config, credentials }: Collector,
    container: string,
    app: { image: pulumi.Input<string> },
): OtherContainer[] {
    return [
        {
            name: "log-collector",
            image,
            args: [
                "--config=/etc/otelcol-contrib/config.yaml",
                // Without this gate a line counts as read while it is only in memory. A killed collector would lose it.
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
                // Outlives the container. It has the read position and the records that aren't sent yet.
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
