import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { anyCharacter } from "../../lab/fixtures/anyCharacter";
import { deploy, resolve } from "../../lab/fixtures/deployed";
import { completed, localSecrets, onlineSecrets, stackFile, testSecrets } from "../../lab/fixtures/stackFile";
import { readSettings, type Settings } from "../../settings";
import { contains, networkAfter, networkIn, overlap, range } from "../../settings/cidr";
import { parse } from "../../settings/parse";
import { keyOf, SettingsError } from "../../settings/problems";
import { amount } from "../../settings/quantity";
import { scalarKeys } from "../../settings/schema";
import { hash, problemsOf, raw, secrets, settingsOf, smallest } from "./smallest";

const inCluster = { kind: "cluster", image: "redis:7.0" };

/** The settings that managed stores require. */
const vSwitches = [
    { id: "vsw-hhhhhh", zone: "cn-hangzhou-h", cidr: "10.1.0.0/24" },
    { id: "vsw-iiiiii", zone: "cn-hangzhou-i", cidr: "10.1.1.0/24" },
];
const existing = { kind: "existing", vpcId: "vpc-1a2b3c", vSwitches, podCidr: "172.20.0.0/16", serviceCidr: "172.21.0.0/20" };
const storesCa = { file: "operations/placeholderCa.pem" };
const pem = readFileSync(storesCa.file, "utf8");
const onAlibaba = { alibaba: { region: "cn-hangzhou" }, network: existing, storesCa };
const redisThere = { kind: "managed", instanceClass: "redis.shard.small.2.ce", zone: "cn-hangzhou-h" };
const mongoThere = { kind: "managed", instanceClass: "mdb.shard.2x.large.c", zone: "cn-hangzhou-h" };
const itsRedisPassword = { redisUrl: undefined, redisPassword: "Redis-p@ssw0rd" };
const itsMongoPassword = { mongoUrl: undefined, mongoPassword: "Mongo-p@ssw0rd" };
const acr = { kind: "acr", instanceId: "cri-1a2b3c", instanceName: "my-registry", username: "sms-robot" };
const otlp = { kind: "otlp", endpoint: "https://otlp.example.com:4318" };
const sls = { kind: "sls", project: "my-company-sms", accessKeyId: "LTAI-logs" };

/** The path to the innermost block of nested blocks. */
function pathIn(block: object): string[] {
    return Object.entries(block).flatMap(([key, inner]) => [key, ...pathIn(inner)]);
}

/** The same nested blocks with `what` in the innermost block. */
function within(block: object, what: object): object {
    const [first] = Object.entries(block);
    return first === undefined ? what : { [first[0]]: within(first[1], what) };
}

describe("settings", () => {
    const set = (path: string, value: string | number) => `pulumi config set --path '${path}' ${value} --stack online`;
    const remove = (path: string) => `pulumi config rm --path '${path}' --stack online`;

    it("have the origin's numbers by default", () => {
        const { web, worker, workerPools, migration, beat, namespace, registry, image, logs } = settingsOf();
        const resources = { requests: { cpu: "0.1", memory: "200Mi" }, limits: { cpu: "1", memory: "800Mi" } };
        const replicated = {
            replicas: 6,
            minReadySeconds: 10,
            revisionHistoryLimit: 5,
            gracePeriodSeconds: 180,
            rolloutTimeoutSeconds: 300,
            rollout: { maxSurge: "25%", maxUnavailable: 0 },
            resources,
            env: {},
        };
        assert.deepEqual(web, {
            ...replicated,
            nodePort: 31090,
            workers: 1,
            threads: 8,
            preStopSeconds: 10,
            gracefulTimeoutSeconds: 30,
        });
        assert.deepEqual(worker, {
            ...replicated,
            concurrency: 16,
            queues: ["sms", "sms-maintenance"],
            sendLeaseSeconds: 60,
            sendRetryMaxSeconds: 600,
            visibilityTimeoutSeconds: 3600,
        });
        assert.deepEqual([workerPools, migration], [{}, { timeoutSeconds: 120 }]);
        assert.deepEqual(beat, { revisionHistoryLimit: 5, gracePeriodSeconds: 30, rolloutTimeoutSeconds: 300, resources, env: {} });
        assert.equal(namespace, "sms");
        assert.equal(registry.repository, "sms");
        assert.deepEqual(image, { context: "app", baseImage: "python:3.11-slim-bookworm", platform: "linux/amd64", buildArgs: {} });
        assert.deepEqual(logs, { sizeLimit: "1Gi" });
    });

    it("take a pool's missing values from sms:worker, also nested ones but not its autoscaler, and then from the program", () => {
        const { workerPools } = settingsOf({
            worker: {
                ...{ replicas: 4, resources: { limits: { cpu: 2 } }, env: { A: 1, B: 2 }, sendLeaseSeconds: 30 },
                autoscale: { maxReplicas: 20 },
            },
            workerPools: { bulk: { queues: ["sms"], resources: { limits: { memory: "2Gi" } }, env: { B: 3 } }, "2nd": {} },
        });
        const all = {
            replicas: 4,
            minReadySeconds: 10,
            revisionHistoryLimit: 5,
            gracePeriodSeconds: 180,
            rolloutTimeoutSeconds: 300,
            rollout: { maxSurge: "25%", maxUnavailable: 0 },
            concurrency: 16,
        };
        const requests = { cpu: "0.1", memory: "200Mi" };
        assert.deepEqual(workerPools, {
            bulk: { ...all, queues: ["sms"], resources: { requests, limits: { cpu: "2", memory: "2Gi" } }, env: { A: "1", B: "3" } },
            "2nd": {
                ...all,
                queues: ["sms", "sms-maintenance"],
                resources: { requests, limits: { cpu: "2", memory: "800Mi" } },
                env: { A: "1", B: "2" },
            },
        });
    });

    it("report a fault in sms:worker only there, and not again for each pool that inherits it", () => {
        const worker = { replicas: 0, replica: 3, gracePeriodSeconds: 20, resources: { requests: { cpu: "5" } }, env: { "1": "x" } };
        const keys = problemsOf({ worker, workerPools: { bulk: {}, own: { replicas: 0 } } }).map((problem) => problem.split(" ")[0]);
        assert.deepEqual(keys, [
            "sms:worker.resources.requests.cpu",
            'sms:worker.env["1"]',
            "sms:worker.replicas",
            "sms:worker.replica",
            "sms:workerPools.own.replicas",
        ]);
    });

    it("check a pool's own numbers together with those from sms:worker", () => {
        const worker = { sendLeaseSeconds: 30, resources: { requests: { cpu: "0.2" } } };
        const pools = { bulk: { resources: { limits: { cpu: "0.15" } } }, fine: { gracePeriodSeconds: 41 } };
        assert.deepEqual(problemsOf({ worker, workerPools: pools }), [
            `sms:workerPools.bulk.resources.requests.cpu is "0.2"; allowed: at most 0.15, which is limits.cpu | ${set("sms:workerPools.bulk.resources.requests.cpu", 0.15)}`,
        ]);
    });

    it("give a store in the cluster its volume and resources", () => {
        const { redis } = settingsOf({ redis: inCluster }, { redisUrl: undefined, redisPassword: "twelve chars" });
        assert.deepEqual(redis, {
            ...inCluster,
            storage: "1Gi",
            resources: { requests: { cpu: "0.1", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } },
        });
    });

    it("have safe defaults for a managed store", () => {
        const { redis, mongo } = settingsOf(
            { ...onAlibaba, redis: redisThere, mongo: mongoThere },
            { ...itsRedisPassword, ...itsMongoPassword },
        );
        const days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        const everyNight = { backup: { days, from: "19:00Z" }, maintenance: { from: "18:00Z" } };
        assert.deepEqual(redis, { ...redisThere, engineVersion: "7.0", account: "sms", ...everyNight });
        assert.deepEqual(mongo, {
            ...mongoThere,
            engineVersion: "7.0",
            storageGb: 20,
            storageType: "cloud_essd1",
            backupsAfterDeletion: "last",
            nodes: 3,
            ...everyNight,
        });
    });

    it("accept managed stores' passwords of 8 and of 32 characters, with all characters that Alibaba Cloud accepts", () => {
        for (const redisPassword of ["Abc-1234", `Ab1${"!@#$%^&*()_+-="}${"x".repeat(15)}`]) {
            assert.deepEqual(problemsOf({ ...onAlibaba, redis: redisThere }, { redisUrl: undefined, redisPassword }), []);
        }
    });

    it("accept a new network, also one whose pods are in its vSwitches", () => {
        const network = { kind: "new", cidr: "10.1.0.0/16", vSwitches: vSwitches.map(({ zone, cidr }) => ({ zone, cidr })) };
        assert.deepEqual(settingsOf({ ...onAlibaba, network }).network, network);
    });

    it("accept several existing vSwitches in a zone, because Terway's pods have their own", () => {
        const pods = { id: "vsw-pppppp", zone: "cn-hangzhou-h", cidr: "10.1.128.0/20" };
        assert.deepEqual(problemsOf({ ...onAlibaba, network: { ...existing, vSwitches: [...vSwitches, pods] } }), []);
    });

    it("accept zones of regions in both notations", () => {
        const zones = ["ap-southeast-1a", "ap-southeast-1b"];
        const network = { ...existing, vSwitches: vSwitches.map((vSwitch, i) => ({ ...vSwitch, zone: zones[i] })) };
        assert.deepEqual(problemsOf({ alibaba: { region: "ap-southeast-1", accountType: "International" }, network }), []);
    });

    it("accept a cluster and a registry by their ids at Alibaba Cloud", () => {
        const { cluster, registry, alibaba } = settingsOf({ ...onAlibaba, cluster: { kind: "ack", id: "c0123456789" }, registry: acr });
        assert.deepEqual(cluster, { kind: "ack", id: "c0123456789" });
        assert.deepEqual(registry, { ...acr, namespace: "sms", repository: "sms" });
        assert.deepEqual(alibaba, { region: "cn-hangzhou", accountType: "Domestic", tags: {} });
    });

    it("ship logs with a small collector in each pod, if set", () => {
        const { logs } = settingsOf({ ...onAlibaba, logs: { ship: { to: sls } } }, { logsAccessKeySecret: "secret" });
        const ship = {
            image: "otel/opentelemetry-collector-contrib:0.128.0",
            resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "200m", memory: "128Mi" } },
        };
        assert.deepEqual(logs, {
            sizeLimit: "1Gi",
            ship: { ...ship, to: { ...sls, store: "sms", retentionDays: 30, network: "intranet" } },
        });
        assert.deepEqual(settingsOf({ logs: { ship: { to: otlp } } }, { logsAuthorization: "Bearer abc" }).logs.ship, {
            ...ship,
            to: otlp,
        });
        assert.deepEqual(problemsOf({ logs: { ship: { to: otlp } } }), []);
    });

    it("convert numbers and booleans to strings for the pods", () => {
        const { env, web } = settingsOf({
            env: { C_FORCE_ROOT: true, SEND_MAX_ATTEMPTS: 6 },
            web: { env: { RATIO: 0.5, OFF: false, NAME: "x" } },
        });
        assert.deepEqual(env, { C_FORCE_ROOT: "true", SEND_MAX_ATTEMPTS: "6" });
        assert.deepEqual(web.env, { RATIO: "0.5", OFF: "false", NAME: "x" });
    });

    it("keep 0 and empty values", () => {
        const { web, env } = settingsOf({
            web: { minReadySeconds: 0, preStopSeconds: 0, revisionHistoryLimit: 0 },
            env: { EMPTY: "", ZERO: 0 },
        });
        assert.deepEqual([web.minReadySeconds, web.preStopSeconds, web.revisionHistoryLimit], [0, 0, 0]);
        assert.deepEqual(env, { EMPTY: "", ZERO: "0" });
    });

    it("accept a cpu that YAML reads as a number", () => {
        assert.equal(settingsOf({ beat: { resources: { requests: { cpu: 0.5 }, limits: { cpu: 2 } } } }).beat.resources.limits.cpu, "2");
    });

    it("accept every valid notation of a quantity", () => {
        for (const cpu of ["1m", "100m", "0.07", 0.25, "1", "1e0", 64]) {
            assert.deepEqual(problemsOf({ web: { resources: { requests: { cpu: "1m" }, limits: { cpu } } } }), [], String(cpu));
        }
        for (const sizeLimit of ["1Mi", "1.5Gi", "512M", "1024Ki", 536870912, "1e9", "64Ti"]) {
            assert.deepEqual(problemsOf({ logs: { sizeLimit } }), [], String(sizeLimit));
        }
    });

    it("never contain a secret's text", () => {
        assert.doesNotMatch(JSON.stringify(settingsOf({}, { secretEnv: { API_KEY: "hunter2" } })), /registry-secret|:p@|hunter2/);
    });

    const number = (min: number, max: number) => `allowed: a whole number from ${min} to ${max}, without quotes`;
    const bytes = (example: string) => `allowed: whole bytes from 1Mi to 64Ti such as ${example}`;
    const cpus = (example: string) => `allowed: CPUs from 1m to 64 such as ${example}`;
    const tag = (shortest: number, longest: number) =>
        `allowed: a text of ${shortest} to ${longest} characters that doesn't begin with aliyun or acs: and has no http:// or https:// in it`;
    const share = "allowed: a whole number of pods from 0 to 100, or a percentage such as 25%";
    const label = "allowed: a name of lower-case letters, digits and -, 63 characters at most";
    const ownNamespace = `${label}, other than default and kube-…`;
    const imageName = (example: string) => `allowed: an image with a tag other than latest, or with a digest, such as ${example}`;
    const variableName = "allowed: a name of letters, digits and _ that doesn't start with a digit";
    const credentialName = "has a value (not shown); allowed: no name of a credential; put it into sms:secretEnv, encrypted";
    const password =
        "has a value (not shown); allowed: 12 or more characters, no line break or other control character, no space at either end";
    const reachable = "with a host that the pods can reach (in a pod, localhost and 127.0.0.1 are the pod itself)";
    const redisUrl = `allowed: redis:// or rediss:// URL, user and password percent-encoded, ${reachable}`;
    const mongoUrl = `allowed: mongodb:// or mongodb+srv:// URL, user and password percent-encoded, ${reachable}`;
    const gateway = `allowed: an https:// or http:// address without a path, a user or a password, ${reachable}`;
    const server = "allowed: a host with an optional port from 1 to 65535: no https://, no path";

    const refused: [what: string, plain: object, problem: string, secret?: object][] = [
        [
            "an environment whose name no host may have",
            { environment: "Prod_1" },
            `sms:environment is "Prod_1"; ${label} | pulumi config set sms:environment online --stack online`,
        ],
        [
            "an environment of which nobody says whether customers are there",
            { environment: "live-eu" },
            "sms:production is missing; allowed: true or false, as sms:environment is live-eu: whether customers use it | pulumi config set sms:production true --stack online",
        ],
        ...(["online", "test", "local"] as const).map((environment): [string, object, string] => [
            `${environment} that is said to be what it isn't`,
            { environment, production: environment !== "online" },
            `sms:production is ${environment !== "online"}; allowed: left out or ${environment === "online"}, as sms:environment is ${environment} | pulumi config rm sms:production --stack online`,
        ]),
        [
            "a production that is neither",
            { environment: "live-eu", production: "yes" },
            'sms:production is "yes"; allowed: true or false | pulumi config set sms:production true --stack online',
        ],
        [
            "no environment",
            { environment: undefined },
            `sms:environment is missing; ${label} | pulumi config set sms:environment online --stack online`,
        ],
        [
            "a namespace with capitals",
            { namespace: "SMS" },
            `sms:namespace is "SMS"; ${ownNamespace} | pulumi config set sms:namespace sms --stack online`,
        ],
        ...["default", "kube-system", "kube-public", "kube-node-lease"].map((name): [string, object, string] => [
            `Kubernetes' own namespace ${name}`,
            { namespace: name },
            `sms:namespace is "${name}"; ${ownNamespace} | pulumi config set sms:namespace sms --stack online`,
        ]),
        [
            "KEDA's namespace",
            { namespace: "keda", keda: {} },
            'sms:namespace is "keda"; allowed: another namespace than keda, which is sms:keda.namespace | pulumi config set sms:namespace sms --stack online',
        ],
        [
            "the monitoring's namespace",
            { namespace: "monitoring", networkPolicies: { metricsFrom: "monitoring" } },
            'sms:namespace is "monitoring"; allowed: another namespace than monitoring, which is sms:networkPolicies.metricsFrom | pulumi config set sms:namespace sms --stack online',
        ],
        [
            "a namespace of 64 characters",
            { namespace: "a".repeat(64) },
            `sms:namespace is "${"a".repeat(59)}…; ${ownNamespace} | pulumi config set sms:namespace sms --stack online`,
        ],
        [
            "no cluster",
            { cluster: undefined },
            `sms:cluster.context is missing; allowed: the name of a context in the kubeconfig (kubectl config get-contexts) | ${set("sms:cluster.context", "my-cluster")}`,
        ],
        [
            "an empty context",
            { cluster: { context: "" } },
            `sms:cluster.context is ""; allowed: the name of a context in the kubeconfig (kubectl config get-contexts) | ${set("sms:cluster.context", "my-cluster")}`,
        ],
        [
            "a kubeconfig's contents",
            { cluster: { context: "a", kubeconfig: "apiVersion: v1\nkind: Config" } },
            `sms:cluster.kubeconfig is "apiVersion: v1\\nkind: Config"; allowed: the path of a kubeconfig file, not its contents | ${set("sms:cluster.kubeconfig", "./kubeconfig")}`,
        ],
        [
            "a registry with a scheme",
            { registry: { server: "https://registry.example.com", username: "a" } },
            `sms:registry.server is "https://registry.example.com"; ${server}; did you mean registry.example.com? | ${set("sms:registry.server", "registry.example.com")}`,
        ],
        [
            "a registry with a path",
            { registry: { server: "registry.example.com/team", username: "a" } },
            `sms:registry.server is "registry.example.com/team"; ${server} | ${set("sms:registry.server", "registry.cn-hangzhou.aliyuncs.com")}`,
        ],
        [
            "a repository with a tag",
            { registry: { ...smallest.registry, repository: "sms:1" } },
            `sms:registry.repository is "sms:1"; allowed: lower-case path such as sms or team/sms, without a tag | ${set("sms:registry.repository", "sms")}`,
        ],
        [
            "a registry without an account",
            { registry: { server: "registry.example.com" } },
            `sms:registry.username is missing; allowed: the account's name, without spaces | ${set("sms:registry.username", "sms")}`,
        ],
        [
            "an account for a registry that asks for none",
            { registry: { kind: "anonymous", ...smallest.registry } },
            `sms:registry.username is not known; allowed: kind, server, pullServer, repository | ${remove("sms:registry.username")}`,
            { registryPassword: undefined },
        ],
        [
            "a password for a registry that asks for none",
            { registry: { kind: "anonymous", server: "registry.example.com" } },
            "sms:registryPassword is not used, as sms:registry.kind is anonymous; allowed: none | pulumi config rm sms:registryPassword --stack online",
        ],
        [
            "a registry in one line",
            { registry: "registry.example.com" },
            'sms:registry is "registry.example.com"; allowed: a block with the kind address or acr or anonymous | write it as a block: sms:registry: with its keys indented below',
        ],
        [
            "a list for a block",
            { web: [] },
            "sms:web is []; allowed: a block with the keys revisionHistoryLimit, rolloutTimeoutSeconds, resources, env, placement, replicas, minReadySeconds, gracePeriodSeconds, rollout, autoscale, nodePort, workers, threads, preStopSeconds, gracefulTimeoutSeconds | write it as a block: sms:web: with its keys indented below",
        ],
        [
            "an empty block",
            { beat: null },
            "sms:beat is null; allowed: a block with the keys revisionHistoryLimit, rolloutTimeoutSeconds, resources, env, placement, gracePeriodSeconds, replicas | write it as a block: sms:beat: with its keys indented below",
        ],
        [
            "a base image without a tag",
            { image: { baseImage: "python" } },
            `sms:image.baseImage is "python"; ${imageName("python:3.11-slim-bookworm")} | ${set("sms:image.baseImage", "python:3.11-slim-bookworm")}`,
        ],
        [
            "a base image without a tag in a registry with a port",
            { image: { baseImage: "127.0.0.1:5000/base/python" } },
            `sms:image.baseImage is "127.0.0.1:5000/base/python"; ${imageName("python:3.11-slim-bookworm")} | ${set("sms:image.baseImage", "python:3.11-slim-bookworm")}`,
        ],
        [
            "the latest image",
            { redis: { kind: "cluster", image: "redis:latest" } },
            `sms:redis.image is "redis:latest"; ${imageName("redis:7.0")} | ${set("sms:redis.image", "redis:7.0")}`,
            { redisUrl: undefined, redisPassword: "twelve chars" },
        ],
        [
            "an image to go back to without its digest",
            { image: { pinned: "4c1f2a" } },
            `sms:image.pinned is "4c1f2a"; allowed: TAG@sha256:DIGEST of an image that was pushed before | ${set("sms:image.pinned", `4c1f2a@sha256:${"0".repeat(64)}`)}`,
        ],
        [
            "an unknown platform",
            { image: { platform: "windows" } },
            `sms:image.platform is "windows"; allowed: linux/amd64 or linux/arm64 | ${set("sms:image.platform", "linux/amd64")}`,
        ],
        [
            "a build argument with a password",
            { image: { buildArgs: { PIP_INDEX_URL: "https://me:pw@mirror.example.com/simple" } } },
            `sms:image.buildArgs.PIP_INDEX_URL has a value (not shown); allowed: no address with a password in it; it would stay readable in the image | ${remove("sms:image.buildArgs.PIP_INDEX_URL")}`,
        ],
        [
            "a second base image",
            { image: { buildArgs: { BASE_IMAGE: "x:1" } } },
            `sms:image.buildArgs.BASE_IMAGE is "x:1"; allowed: another name, as the program itself sets this one, from sms:image.baseImage | ${remove("sms:image.buildArgs.BASE_IMAGE")}`,
        ],
        [
            "no Redis",
            { redis: undefined },
            `sms:redis.kind is missing; allowed: cluster or managed or external | ${set("sms:redis.kind", "cluster")}`,
            { redisUrl: undefined },
        ],
        [
            "an unknown kind of store",
            { mongo: { kind: "manged" } },
            `sms:mongo.kind is "manged"; allowed: cluster or managed or external | ${set("sms:mongo.kind", "cluster")}`,
            { mongoUrl: undefined },
        ],
        [
            "an image for a store elsewhere",
            { redis: { kind: "external", image: "redis:7.0" } },
            `sms:redis.image is not known; allowed: kind | ${remove("sms:redis.image")}`,
        ],
        [
            "storage of no size",
            { redis: { ...inCluster, storage: "big" } },
            `sms:redis.storage is "big"; ${bytes("1Gi")} | ${set("sms:redis.storage", "1Gi")}`,
            { redisUrl: undefined, redisPassword: "twelve chars" },
        ],
        [
            "logs of no size",
            { logs: { sizeLimit: "0" } },
            `sms:logs.sizeLimit is "0"; ${bytes("1Gi")} | ${set("sms:logs.sizeLimit", "1Gi")}`,
        ],
        [
            "half a byte of logs",
            { logs: { sizeLimit: "512m" } },
            `sms:logs.sizeLimit is "512m"; ${bytes("1Gi")}; did you mean 512Mi? | ${set("sms:logs.sizeLimit", "512Mi")}`,
        ],
        [
            "a quarter of a byte of storage",
            { redis: { ...inCluster, storage: "256m" } },
            `sms:redis.storage is "256m"; ${bytes("1Gi")}; did you mean 256Mi? | ${set("sms:redis.storage", "256Mi")}`,
            { redisUrl: undefined, redisPassword: "twelve chars" },
        ],
        [
            "memory in single bytes",
            { beat: { resources: { limits: { memory: 800 } } } },
            `sms:beat.resources.limits.memory is 800; ${bytes("800Mi")}; did you mean 800Mi? | ${set("sms:beat.resources.limits.memory", "800Mi")}`,
        ],
        [
            "a tenth of a byte of memory for a pool",
            { workerPools: { bulk: { resources: { requests: { memory: "100m" } } } } },
            `sms:workerPools.bulk.resources.requests.memory is "100m"; ${bytes("200Mi")}; did you mean 100Mi? | ${set("sms:workerPools.bulk.resources.requests.memory", "100Mi")}`,
        ],
        [
            "bytes with a part of one",
            { logs: { sizeLimit: "0.1Gi" } },
            `sms:logs.sizeLimit is "0.1Gi"; ${bytes("1Gi")} | ${set("sms:logs.sizeLimit", "1Gi")}`,
        ],
        [
            "more memory than there is",
            { web: { resources: { limits: { memory: "800T" } } } },
            `sms:web.resources.limits.memory is "800T"; ${bytes("800Mi")} | ${set("sms:web.resources.limits.memory", "800Mi")}`,
        ],
        [
            "a million CPUs",
            { worker: { resources: { limits: { cpu: "1M" } } } },
            `sms:worker.resources.limits.cpu is "1M"; ${cpus("1")}; did you mean 1m? | ${set("sms:worker.resources.limits.cpu", "1m")}`,
        ],
        [
            "CPUs in thousandths without the m",
            { web: { resources: { limits: { cpu: 500 } } } },
            `sms:web.resources.limits.cpu is 500; ${cpus("1")}; did you mean 500m? | ${set("sms:web.resources.limits.cpu", "500m")}`,
        ],
        [
            "less of a CPU than Kubernetes counts in",
            { logs: { ship: { to: otlp, resources: { requests: { cpu: "0.0015" } } } } },
            `sms:logs.ship.resources.requests.cpu is "0.0015"; ${cpus("20m")} | ${set("sms:logs.ship.resources.requests.cpu", "20m")}`,
        ],
        ["no replicas", { web: { replicas: 0 } }, `sms:web.replicas is 0; ${number(1, 100)} | ${set("sms:web.replicas", 6)}`],
        ["replicas in quotes", { web: { replicas: "6" } }, `sms:web.replicas is "6"; ${number(1, 100)} | ${set("sms:web.replicas", 6)}`],
        [
            "half a replica",
            { worker: { replicas: 1.5 } },
            `sms:worker.replicas is 1.5; ${number(1, 100)} | ${set("sms:worker.replicas", 6)}`,
        ],
        [
            "two beats",
            { beat: { replicas: 2 } },
            `sms:beat.replicas is 2; allowed: left out: there is exactly one beat, because a second one would have nothing to send | ${remove("sms:beat.replicas")}`,
        ],
        [
            "a port below the NodePorts",
            { web: { nodePort: 8004 } },
            `sms:web.nodePort is 8004; ${number(30000, 32767)} | ${set("sms:web.nodePort", 31090)}`,
        ],
        [
            "a port above the NodePorts",
            { web: { nodePort: 32768 } },
            `sms:web.nodePort is 32768; ${number(30000, 32767)} | ${set("sms:web.nodePort", 31090)}`,
        ],
        [
            "no concurrency",
            { worker: { concurrency: null } },
            `sms:worker.concurrency is null; ${number(1, 256)} | ${set("sms:worker.concurrency", 16)}`,
        ],
        [
            "a surge of over 100%",
            { web: { rollout: { maxSurge: "150%" } } },
            `sms:web.rollout.maxSurge is "150%"; ${share} | ${set("sms:web.rollout.maxSurge", "25%")}`,
        ],
        [
            "a rollout that can't begin",
            { worker: { rollout: { maxSurge: "0%" } } },
            `sms:worker.rollout.maxSurge is "0%"; allowed: above 0 while maxUnavailable is 0: otherwise a rollout can't begin | ${set("sms:worker.rollout.maxSurge", "25%")}`,
        ],
        [
            "a migration without time",
            { migration: { timeoutSeconds: 5 } },
            `sms:migration.timeoutSeconds is 5; ${number(10, 3600)} | ${set("sms:migration.timeoutSeconds", 120)}`,
        ],
        [
            "a grace period that cuts off requests",
            { web: { gracePeriodSeconds: 40 } },
            `sms:web.gracePeriodSeconds is 40; allowed: above 40, which is preStopSeconds + gracefulTimeoutSeconds: otherwise running requests are cut off | ${set("sms:web.gracePeriodSeconds", 50)}`,
        ],
        [
            "a grace period that cuts off tasks",
            { worker: { gracePeriodSeconds: 70 } },
            `sms:worker.gracePeriodSeconds is 70; allowed: above 70, which is sendLeaseSeconds + 10: otherwise running tasks are cut off | ${set("sms:worker.gracePeriodSeconds", 80)}`,
        ],
        [
            "a grace period for web that cuts off the last lines to be shipped",
            { web: { gracePeriodSeconds: 50 }, logs: { ship: { to: otlp } } },
            `sms:web.gracePeriodSeconds is 50; allowed: above 50, which is preStopSeconds + gracefulTimeoutSeconds + 10 for the log collector: otherwise running requests are cut off | ${set("sms:web.gracePeriodSeconds", 60)}`,
        ],
        [
            "a grace period for workers that cuts off the last lines to be shipped",
            { worker: { gracePeriodSeconds: 80 }, logs: { ship: { to: otlp } } },
            `sms:worker.gracePeriodSeconds is 80; allowed: above 80, which is sendLeaseSeconds + 10 + 10 for the log collector: otherwise running tasks are cut off | ${set("sms:worker.gracePeriodSeconds", 90)}`,
        ],
        [
            "a grace period for beat that cuts off the last lines to be shipped",
            { beat: { gracePeriodSeconds: 10 }, logs: { ship: { to: otlp } } },
            `sms:beat.gracePeriodSeconds is 10; allowed: above 10, which is 10 for the log collector: otherwise its last log lines are cut off | ${set("sms:beat.gracePeriodSeconds", 20)}`,
        ],
        [
            "a pool's queue that the app doesn't have",
            { workerPools: { bulk: { queues: ["sms", "bulk"] } } },
            `sms:workerPools.bulk.queues[1] is "bulk"; allowed: sms or sms-maintenance | ${set("sms:workerPools.bulk.queues[1]", "sms")}`,
        ],
        [
            "a pool without queues",
            { workerPools: { bulk: { queues: [] } } },
            `sms:workerPools.bulk.queues is []; allowed: a list of queues: sms, sms-maintenance | write it as a list: sms:workerPools.bulk.queues: with its entries indented below, each after a -`,
        ],
        [
            "queues that are no list",
            { worker: { queues: "sms" } },
            `sms:worker.queues is "sms"; allowed: a list of queues: sms, sms-maintenance | write it as a list: sms:worker.queues: with its entries indented below, each after a -`,
        ],
        [
            "a queue that no pool takes",
            { worker: { queues: ["sms"] }, workerPools: { bulk: {} } },
            `sms:worker.queues[1] is missing; allowed: sms-maintenance, as no other pool takes it: its tasks would wait for ever | ${set("sms:worker.queues[1]", "sms-maintenance")}`,
        ],
        [
            "a pool's name that is none in the cluster",
            { workerPools: { Bulk_1: { replicas: 1 } } },
            `sms:workerPools.Bulk_1 is {"replicas":1}; allowed: a pool's name of lower-case letters, digits and -, 30 characters at most | ${remove("sms:workerPools.Bulk_1")}`,
        ],
        [
            "a pool's name of 31 characters",
            { workerPools: { ["a".repeat(31)]: {} } },
            `sms:workerPools.${"a".repeat(31)} is {}; allowed: a pool's name of lower-case letters, digits and -, 30 characters at most | ${remove(`sms:workerPools.${"a".repeat(31)}`)}`,
        ],
        [
            "a pool's name with a capital, showing what the file has and nothing that the pool would have from sms:worker",
            { worker: { replicas: 4, env: { A: "x" } }, workerPools: { Bulk: {} } },
            `sms:workerPools.Bulk is {}; allowed: a pool's name of lower-case letters, digits and -, 30 characters at most | ${remove("sms:workerPools.Bulk")}`,
        ],
        [
            "a pool's own lease, which all share",
            { workerPools: { bulk: { sendLeaseSeconds: 30 } } },
            `sms:workerPools.bulk.sendLeaseSeconds is not known; allowed: revisionHistoryLimit, rolloutTimeoutSeconds, resources, env, placement, replicas, minReadySeconds, gracePeriodSeconds, rollout, concurrency, queues, autoscale | ${remove("sms:workerPools.bulk.sendLeaseSeconds")}`,
        ],
        [
            "a pool's grace period that cuts off tasks",
            { workerPools: { bulk: { gracePeriodSeconds: 70 } } },
            `sms:workerPools.bulk.gracePeriodSeconds is 70; allowed: above 70, which is sendLeaseSeconds + 10: otherwise running tasks are cut off | ${set("sms:workerPools.bulk.gracePeriodSeconds", 80)}`,
        ],
        [
            "a list of pools",
            { workerPools: ["bulk"] },
            `sms:workerPools is ["bulk"]; allowed: a block of pools by their names | write it as a block: sms:workerPools: with its keys indented below`,
        ],
        ...["root", "Sms", "2sms"].map((account): [string, object, string, object] => [
            `the account ${account}`,
            { ...onAlibaba, redis: { ...redisThere, account } },
            `sms:redis.account is "${account}"; allowed: an account's name of lower-case letters, digits and _, 100 characters at most, other than default, admin and root | ${set("sms:redis.account", "sms")}`,
            itsRedisPassword,
        ]),
        [
            "an autoscaler without room",
            { web: { autoscale: { maxReplicas: 6 } } },
            `sms:web.autoscale.maxReplicas is 6; allowed: above 6, which is replicas, the minimum | ${set("sms:web.autoscale.maxReplicas", 12)}`,
        ],
        [
            "an autoscaler without an end",
            { web: { autoscale: {} } },
            `sms:web.autoscale.maxReplicas is missing; ${number(2, 1000)} | ${set("sms:web.autoscale.maxReplicas", 12)}`,
        ],
        [
            "an autoscaler of a pool without room",
            { workerPools: { bulk: { replicas: 3, autoscale: { maxReplicas: 2 } } } },
            `sms:workerPools.bulk.autoscale.maxReplicas is 2; allowed: above 3, which is replicas, the minimum | ${set("sms:workerPools.bulk.autoscale.maxReplicas", 6)}`,
        ],
        [
            "a cpu share of nothing",
            { worker: { autoscale: { maxReplicas: 8, cpuPercent: 0 } } },
            `sms:worker.autoscale.cpuPercent is 0; ${number(1, 1000)} | ${set("sms:worker.autoscale.cpuPercent", 70)}`,
        ],
        [
            "an autoscaler of another kind",
            { worker: { autoscale: { kind: "memory", maxReplicas: 8 } } },
            `sms:worker.autoscale.kind is "memory"; allowed: cpu or queue | ${set("sms:worker.autoscale.kind", "cpu")}`,
        ],
        [
            "web by queue, of which it has none",
            { web: { autoscale: { kind: "queue", maxReplicas: 8 } } },
            `sms:web.autoscale.kind is not known; allowed: maxReplicas, cpuPercent | ${remove("sms:web.autoscale.kind")}`,
        ],
        [
            "an autoscaler by queue without a word on how many",
            { worker: { autoscale: { kind: "queue", maxReplicas: 8 } }, keda: {} },
            `sms:worker.autoscale.tasksPerPod is missing; ${number(1, 1_000_000)} | ${set("sms:worker.autoscale.tasksPerPod", 100)}`,
        ],
        [
            "an autoscaler by queue without KEDA",
            { workerPools: { bulk: { autoscale: { kind: "queue", maxReplicas: 8, tasksPerPod: 100 } } } },
            `sms:keda.namespace is missing; allowed: the namespace of KEDA 2 (https://keda.sh), as sms:workerPools.bulk.autoscale.kind is queue: install it in the cluster first | ${set("sms:keda.namespace", "keda")}`,
        ],
        [
            "a rollout deadline before a pod counts",
            { web: { minReadySeconds: 300 } },
            `sms:web.rolloutTimeoutSeconds is 300 by default; allowed: above 300, which is minReadySeconds: otherwise no rollout ends in time | ${set("sms:web.rolloutTimeoutSeconds", 600)}`,
        ],
        [
            "a quantity in words",
            { web: { resources: { limits: { memory: "800MB" } } } },
            `sms:web.resources.limits.memory is "800MB"; ${bytes("800Mi")}; did you mean 800Mi? | ${set("sms:web.resources.limits.memory", "800Mi")}`,
        ],
        [
            "a negative quantity",
            { beat: { resources: { requests: { cpu: -1 } } } },
            `sms:beat.resources.requests.cpu is -1; ${cpus("0.1")} | ${set("sms:beat.resources.requests.cpu", "0.1")}`,
        ],
        [
            "requests above the limits",
            { web: { resources: { requests: { cpu: "1100m" } } } },
            `sms:web.resources.requests.cpu is "1100m"; allowed: at most 1, which is limits.cpu | ${set("sms:web.resources.requests.cpu", "1")}`,
        ],
        [
            "requests above the limits in other units",
            { web: { resources: { requests: { memory: "1Gi" }, limits: { memory: "1000M" } } } },
            `sms:web.resources.requests.memory is "1Gi"; allowed: at most 1000M, which is limits.memory | ${set("sms:web.resources.requests.memory", "1000M")}`,
        ],
        [
            "a variable that is null",
            { env: { NAME: null } },
            `sms:env.NAME is null; allowed: a text, a number, true or false | ${set("sms:env.NAME", "true")}`,
        ],
        [
            "a variable that is a list",
            { worker: { env: { NAME: [1] } } },
            `sms:worker.env.NAME is [1]; allowed: a text, a number, true or false | ${set("sms:worker.env.NAME", "true")}`,
        ],
        [
            "a variable's impossible name",
            { env: { "MY-NAME": "x" } },
            `sms:env.MY-NAME is "x"; ${variableName} | ${remove("sms:env.MY-NAME")}`,
        ],
        [
            "a variable's name with quotes in it",
            { env: { "it's": "x" } },
            `sms:env["it's"] is "x"; ${variableName} | ${remove(`sms:env["it'\\''s"]`)}`,
        ],
        [
            "a variable of the program's own",
            { web: { env: { REDIS_URL: "redis://x" } } },
            `sms:web.env.REDIS_URL is "redis://x"; allowed: another name, as the program itself sets this one, from sms:redis | ${remove("sms:web.env.REDIS_URL")}`,
        ],
        ...(
            [
                ["DRAIN_FILE", "web's preStop hook"],
                ["READY_FILE", "the volume for temporary files"],
                ["METRICS_DIR", "the volume for temporary files"],
                ["LOG_DIR", "the volume for logs"],
                ["WORKER_HEARTBEAT_FILE", "each probe of a worker"],
                ["BEAT_HEARTBEAT_FILE", "each probe of beat"],
                ["METRICS_PORT", "the NetworkPolicy for Prometheus"],
            ] as const
        ).map(([name, what]): [string, object, string] => [
            `the variable ${name}, which the pods rely on`,
            { env: { [name]: "/elsewhere" } },
            `sms:env.${name} is "/elsewhere"; allowed: another name, as ${what} relies on this one's default | ${remove(`sms:env.${name}`)}`,
        ]),
        [
            "a secret variable that the pods rely on",
            {},
            `sms:secretEnv.DRAIN_FILE has a value (not shown); allowed: another name, as web's preStop hook relies on this one's default | ${remove("sms:secretEnv.DRAIN_FILE")}`,
            { secretEnv: { DRAIN_FILE: "/elsewhere" } },
        ],
        [
            "another broker, by a variable that Celery reads itself",
            { worker: { env: { CELERY_BROKER_URL: "redis://other" } } },
            `sms:worker.env.CELERY_BROKER_URL is "redis://other"; allowed: another name, as Celery takes it in place of the app's configuration | ${remove("sms:worker.env.CELERY_BROKER_URL")}`,
        ],
        [
            "a credential in plain",
            { env: { ALIYUN_ACCESS_KEY_SECRET: "hunter2" } },
            `sms:env.ALIYUN_ACCESS_KEY_SECRET ${credentialName} | ${remove("sms:env.ALIYUN_ACCESS_KEY_SECRET")} && pulumi config set --secret --path 'sms:secretEnv.ALIYUN_ACCESS_KEY_SECRET' --stack online`,
        ],
        [
            "a token in plain",
            { beat: { env: { my_token: "hunter2" } } },
            `sms:beat.env.my_token ${credentialName} | ${remove("sms:beat.env.my_token")} && pulumi config set --secret --path 'sms:secretEnv.my_token' --stack online`,
        ],
        [
            "an address with a password in plain",
            { env: { PROXY: "http://me:hunter2@proxy" } },
            `sms:env.PROXY has a value (not shown); allowed: no address with a password in it; put it into sms:secretEnv, encrypted | ${remove("sms:env.PROXY")} && pulumi config set --secret --path 'sms:secretEnv.PROXY' --stack online`,
        ],
        [
            "a variable both plain and secret",
            { worker: { env: { SIGN_NAME: "x" } } },
            `sms:worker.env.SIGN_NAME is in sms:secretEnv too; allowed: one of the two | ${remove("sms:worker.env.SIGN_NAME")}`,
            { secretEnv: { SIGN_NAME: "y" } },
        ],
        [
            "a secret variable of the program's own",
            {},
            `sms:secretEnv.MONGO_URL has a value (not shown); allowed: another name, as the program itself sets this one, from sms:mongo | ${remove("sms:secretEnv.MONGO_URL")}`,
            { secretEnv: { MONGO_URL: "x" } },
        ],
        [
            "a secret variable that is null",
            {},
            "sms:secretEnv.API_KEY has a value (not shown); allowed: a text, a number, true or false | pulumi config set --secret --path 'sms:secretEnv.API_KEY' --stack online",
            { secretEnv: { API_KEY: null } },
        ],
        [
            "secret variables in one line",
            {},
            "sms:secretEnv has a value (not shown); allowed: a block of names and values | pulumi config set --secret --path 'sms:secretEnv.NAME' --stack online",
            { secretEnv: "hunter2" },
        ],
        [
            "a misspelt key",
            { web: { replica: 3 } },
            `sms:web.replica is not known; did you mean sms:web.replicas? | rename it in Pulumi.online.yaml, or: ${remove("sms:web.replica")}`,
        ],
        [
            "a key in other letters",
            { web: { nodeport: 31090 } },
            `sms:web.nodeport is not known; did you mean sms:web.nodePort? | rename it in Pulumi.online.yaml, or: ${remove("sms:web.nodeport")}`,
        ],
        [
            "a misspelt block",
            { wrker: {} },
            "sms:wrker is not known; did you mean sms:worker? | rename it in Pulumi.online.yaml, or: pulumi config rm sms:wrker --stack online",
        ],
        [
            "a key that is like two others, more like the second",
            { eb: {} },
            "sms:eb is not known; did you mean sms:web? | rename it in Pulumi.online.yaml, or: pulumi config rm sms:eb --stack online",
        ],
        [
            "a misspelt secret, whose value isn't shown",
            { redisPasword: "hunter2" },
            "sms:redisPasword is not known; did you mean sms:redisPassword? | rename it in Pulumi.online.yaml, or: pulumi config rm sms:redisPasword --stack online",
        ],
        [
            "no registry password",
            {},
            "sms:registryPassword is missing; needed to push and to pull the image | pulumi config set --secret sms:registryPassword --stack online",
            { registryPassword: undefined },
        ],
        [
            "no password for a Redis in the cluster",
            { redis: inCluster },
            "sms:redisPassword is missing; needed as sms:redis.kind is cluster | pulumi config set --secret sms:redisPassword --stack online",
            { redisUrl: undefined },
        ],
        [
            "no URL for a MongoDB elsewhere",
            {},
            "sms:mongoUrl is missing; needed as sms:mongo.kind is external | pulumi config set --secret sms:mongoUrl --stack online",
            { mongoUrl: undefined },
        ],
        [
            "a secret that nothing asks for",
            {},
            "sms:redisPassword is not used, as sms:redis.kind is external; allowed: none | pulumi config rm sms:redisPassword --stack online",
            { redisPassword: "twelve chars" },
        ],
        [
            "a short password",
            { redis: inCluster },
            `sms:redisPassword ${password} | pulumi config set --secret sms:redisPassword --stack online`,
            { redisUrl: undefined, redisPassword: "eleven char" },
        ],
        [
            "a password with a line break at its end",
            { mongo: { ...inCluster } },
            `sms:mongoPassword ${password} | pulumi config set --secret sms:mongoPassword --stack online`,
            { mongoUrl: undefined, mongoPassword: "twelve chars\n" },
        ],
        [
            "a password with a space at its end",
            { redis: inCluster },
            `sms:redisPassword ${password} | pulumi config set --secret sms:redisPassword --stack online`,
            { redisUrl: undefined, redisPassword: "twelve chars " },
        ],
        [
            "half a character in a password",
            { redis: inCluster },
            `sms:redisPassword ${password} | pulumi config set --secret sms:redisPassword --stack online`,
            { redisUrl: undefined, redisPassword: "twelve chars\ud800" },
        ],
        [
            "an empty registry password",
            {},
            "sms:registryPassword has a value (not shown); allowed: not empty, no line break or other control character, no space at either end | pulumi config set --secret sms:registryPassword --stack online",
            { registryPassword: "" },
        ],
        [
            "a Redis URL of another kind",
            {},
            `sms:redisUrl has a value (not shown); ${redisUrl}; here it doesn't begin with redis:// or rediss:// | pulumi config set --secret sms:redisUrl --stack online`,
            { redisUrl: "http://redis:6379" },
        ],
        [
            "a Redis at localhost",
            {},
            `sms:redisUrl has a value (not shown); ${redisUrl}; here its host is the pod itself | pulumi config set --secret sms:redisUrl --stack online`,
            { redisUrl: "redis://:p@localhost:6379/0" },
        ],
        [
            "a MongoDB at 127.0.0.1",
            {},
            `sms:mongoUrl has a value (not shown); ${mongoUrl}; here its host is the pod itself | pulumi config set --secret sms:mongoUrl --stack online`,
            { mongoUrl: "mongodb://sms:p@mongo-1,127.0.0.1:27017/sms" },
        ],

        [
            "a password that isn't percent-encoded in Redis' URL",
            {},
            `sms:redisUrl has a value (not shown); ${redisUrl}; here its user or its password isn't percent-encoded | pulumi config set --secret sms:redisUrl --stack online`,
            { redisUrl: "redis://:p#ss@h:6379/0" },
        ],
        [
            "a password that isn't percent-encoded in MongoDB's URL",
            {},
            `sms:mongoUrl has a value (not shown); ${mongoUrl}; here its user or its password isn't percent-encoded | pulumi config set --secret sms:mongoUrl --stack online`,
            { mongoUrl: "mongodb://sms:p?s@h/sms" },
        ],
        ...[{}, { web: {} }, { worker: {} }, { beat: {} }, { workerPools: { bulk: {} } }].map((place): [string, object, string] => {
            const env = { ALIYUN_SMS_ENDPOINT: "dysmsapi.aliyuncs.com" };
            const path = keyOf([...pathIn(place), "env", "ALIYUN_SMS_ENDPOINT"]);
            return [
                `a gateway without its scheme in ${path}`,
                within(place, { env }),
                `${path} is "dysmsapi.aliyuncs.com"; ${gateway}; here it doesn't begin with https:// or http://; did you mean https://dysmsapi.aliyuncs.com? | ${set(path, "https://dysmsapi.aliyuncs.com")}`,
            ];
        }),
        ...(
            [
                ["LOG_LEVEL", "debug", "DEBUG or INFO or WARNING or ERROR", "DEBUG"],
                ["SMS_GATEWAY", "alibaba", "log or aliyun", "log"],
                ["SEND_MAX_ATTEMPTS", 0, "a whole number from 1", "60"],
                ["RESEND_BATCH", 1.5, "a whole number from 1", "60"],
                ["MESSAGE_RETENTION_DAYS", -1, "a whole number from 0", "30"],
                ["GATEWAY_TIMEOUT_SECONDS", "10s", "a number above 0", "10"],
                ["RESEND_INTERVAL_SECONDS", 0, "a number above 0", "10"],
                ["PURGE_SCHEDULE", "daily", "a crontab line of five fields, in UTC", "'0 4 * * *'"],
            ] as const
        ).map(([name, value, words, example]): [string, object, string] => [
            `a ${name} that the app doesn't take`,
            { beat: { env: { [name]: value } } },
            `sms:beat.env.${name} is ${JSON.stringify(value)}; allowed: ${words} | ${set(`sms:beat.env.${name}`, example)}`,
        ]),
        [
            "an empty gateway",
            { env: { ALIYUN_SMS_ENDPOINT: "" } },
            `sms:env.ALIYUN_SMS_ENDPOINT is ""; ${gateway}; here it doesn't begin with https:// or http:// | ${set("sms:env.ALIYUN_SMS_ENDPOINT", "https://dysmsapi.aliyuncs.com")}`,
        ],
        [
            "a secret gateway without its scheme",
            {},
            `sms:secretEnv.ALIYUN_SMS_ENDPOINT has a value (not shown); ${gateway}; here it doesn't begin with https:// or http:// | pulumi config set --secret --path 'sms:secretEnv.ALIYUN_SMS_ENDPOINT' --stack online`,
            { secretEnv: { ALIYUN_SMS_ENDPOINT: "gateway.example.com" } },
        ],
        [
            "a gateway with a user, whose value isn't shown",
            { worker: { env: { ALIYUN_SMS_ENDPOINT: "https://hunter2@gateway.example.com" } } },
            `sms:worker.env.ALIYUN_SMS_ENDPOINT has a value (not shown); ${gateway}; here it has a user or a password | ${set("sms:worker.env.ALIYUN_SMS_ENDPOINT", "https://dysmsapi.aliyuncs.com")}`,
        ],
        [
            "a proxy without its scheme",
            { worker: { env: { HTTPS_PROXY: "proxy.example.com:3128" } } },
            `sms:worker.env.HTTPS_PROXY is "proxy.example.com:3128"; allowed: an http:// or https:// address without a path, user and password percent-encoded, ${reachable}; here it doesn't begin with http:// or https://; did you mean http://proxy.example.com:3128? | ${set("sms:worker.env.HTTPS_PROXY", "http://proxy.example.com:3128")}`,
        ],
        [
            "a registry's port that is none",
            { registry: { ...smallest.registry, pullServer: "registry.example.com:0" } },
            `sms:registry.pullServer is "registry.example.com:0"; ${server} | ${set("sms:registry.pullServer", "registry.cn-hangzhou.aliyuncs.com")}`,
        ],
        [
            "an image from a port that is none",
            { image: { baseImage: "registry.example.com:99999/python:3.11" } },
            `sms:image.baseImage is "registry.example.com:99999/python:3.11"; ${imageName("python:3.11-slim-bookworm")} | ${set("sms:image.baseImage", "python:3.11-slim-bookworm")}`,
        ],

        // Alibaba Cloud: the account and its regions
        [
            "a region by its city",
            { alibaba: { region: "Hangzhou" } },
            `sms:alibaba.region is "Hangzhou"; allowed: a region of Alibaba Cloud such as cn-hangzhou | ${set("sms:alibaba.region", "cn-hangzhou")}`,
        ],
        [
            "an unknown kind of account",
            { alibaba: { region: "cn-hangzhou", accountType: "Chinese" } },
            `sms:alibaba.accountType is "Chinese"; allowed: Domestic or International | ${set("sms:alibaba.accountType", "Domestic")}`,
        ],
        [
            "tags in one line",
            { alibaba: { region: "cn-hangzhou", tags: "team" } },
            'sms:alibaba.tags is "team"; allowed: a block of names and texts | write it as a block: sms:alibaba.tags: with its keys indented below',
        ],
        ...["aliyun-team", "ACS:team", "a http://x"].map((name): [string, object, string] => [
            `a tag called ${name}`,
            { alibaba: { region: "cn-hangzhou", tags: { [name]: "sms" } } },
            `${keyOf(["alibaba", "tags", name])} is "sms"; ${tag(1, 64)} | ${remove(keyOf(["alibaba", "tags", name]))}`,
        ]),
        ...["acs:x", "https://x", "x".repeat(129)].map((text): [string, object, string] => [
            `a tag that says ${text.slice(0, 20)}`,
            { alibaba: { region: "cn-hangzhou", tags: { team: text } } },
            `sms:alibaba.tags.team is ${text.length > 60 ? `"${text.slice(0, 59)}…` : `"${text}"`}; ${tag(0, 128)} | ${set("sms:alibaba.tags.team", "sms")}`,
        ]),
        [
            "a tag that is a number",
            { alibaba: { region: "cn-hangzhou", tags: { team: 5 } } },
            `sms:alibaba.tags.team is 5; ${tag(0, 128)} | ${set("sms:alibaba.tags.team", "sms")}`,
        ],
        [
            "more tags than a resource has",
            { alibaba: { region: "cn-hangzhou", tags: Object.fromEntries(Array.from({ length: 19 }, (_, i) => [`tag-${i}`, ""])) } },
            `sms:alibaba.tags.tag-18 is ""; allowed: at most 18 tags, as a resource of Alibaba Cloud has 20 at most and two are the program's | ${remove("sms:alibaba.tags.tag-18")}`,
        ],
        [
            "a managed store without a region",
            { network: existing, storesCa, redis: redisThere },
            `sms:alibaba.region is missing; allowed: a region of Alibaba Cloud such as cn-hangzhou, as sms:network is given | ${set("sms:alibaba.region", "cn-hangzhou")}`,
            itsRedisPassword,
        ],
        [
            "Alibaba Cloud's cluster without a region",
            { cluster: { kind: "ack", id: "c0123456789" } },
            `sms:alibaba.region is missing; allowed: a region of Alibaba Cloud such as cn-hangzhou, as sms:cluster.kind is ack | ${set("sms:alibaba.region", "cn-hangzhou")}`,
        ],
        [
            "Alibaba Cloud's registry without a region",
            { registry: acr },
            `sms:alibaba.region is missing; allowed: a region of Alibaba Cloud such as cn-hangzhou, as sms:registry.kind is acr | ${set("sms:alibaba.region", "cn-hangzhou")}`,
        ],
        [
            "logs in SLS without a region",
            { logs: { ship: { to: sls } } },
            `sms:alibaba.region is missing; allowed: a region of Alibaba Cloud such as cn-hangzhou, as sms:logs.ship.to.kind is sls | ${set("sms:alibaba.region", "cn-hangzhou")}`,
            { logsAccessKeySecret: "secret" },
        ],

        // The network
        [
            "an unknown kind of network",
            { ...onAlibaba, network: { ...existing, kind: "old" } },
            `sms:network.kind is "old"; allowed: existing or new | ${set("sms:network.kind", "existing")}`,
        ],
        [
            "a VPC by its name",
            { ...onAlibaba, network: { ...existing, vpcId: "my-vpc" } },
            `sms:network.vpcId is "my-vpc"; allowed: the VPC's id: vpc-… | ${set("sms:network.vpcId", "vpc-123abc")}`,
        ],
        [
            "a vSwitch without its id",
            { ...onAlibaba, network: { ...existing, vSwitches: [{ ...vSwitches[0], id: undefined }, vSwitches[1]] } },
            `sms:network.vSwitches[0].id is missing; allowed: the vSwitch's id: vsw-… | ${set("sms:network.vSwitches[0].id", "vsw-123abc")}`,
        ],
        [
            "vSwitches in one line",
            { ...onAlibaba, network: { ...existing, vSwitches: "vsw-hhhhhh" } },
            'sms:network.vSwitches is "vsw-hhhhhh"; allowed: a list, each entry after a - | write it as a list: sms:network.vSwitches: with its entries indented below, each after a -',
        ],
        [
            "one vSwitch alone",
            { ...onAlibaba, network: { ...existing, vSwitches: vSwitches.slice(0, 1) } },
            `sms:network.vSwitches[1].zone is missing; allowed: a vSwitch in another zone than cn-hangzhou-h: one zone can fail | ${set("sms:network.vSwitches[1].zone", "cn-hangzhou-i")}`,
        ],
        [
            "two vSwitches in one zone alone",
            { ...onAlibaba, network: { ...existing, vSwitches: [vSwitches[0], { ...vSwitches[1], zone: "cn-hangzhou-h" }] } },
            `sms:network.vSwitches[2].zone is missing; allowed: a vSwitch in another zone than cn-hangzhou-h: one zone can fail | ${set("sms:network.vSwitches[2].zone", "cn-hangzhou-i")}`,
        ],
        [
            "no vSwitch at all",
            { ...onAlibaba, network: { ...existing, vSwitches: [] } },
            `sms:network.vSwitches[0].zone is missing; allowed: a vSwitch in another zone: one zone can fail | ${set("sms:network.vSwitches[0].zone", "cn-hangzhou-i")}`,
        ],
        [
            "two new vSwitches in one zone",
            {
                ...onAlibaba,
                network: {
                    kind: "new",
                    cidr: "10.1.0.0/16",
                    vSwitches: ["h", "i", "h"].map((zone, i) => ({ zone: `cn-hangzhou-${zone}`, cidr: `10.1.${i}.0/24` })),
                },
            },
            `sms:network.vSwitches[2].zone is "cn-hangzhou-h"; allowed: another zone than that of vSwitches[0] | ${set("sms:network.vSwitches[2].zone", "cn-hangzhou-i")}`,
        ],
        [
            "a zone that is none",
            { ...onAlibaba, network: { ...existing, vSwitches: [vSwitches[0], { ...vSwitches[1], zone: "i" }] } },
            `sms:network.vSwitches[1].zone is "i"; allowed: a zone such as cn-hangzhou-h or ap-southeast-1a | ${set("sms:network.vSwitches[1].zone", "cn-hangzhou-h")}`,
        ],
        [
            "a zone of another region",
            { ...onAlibaba, network: { ...existing, vSwitches: [vSwitches[0], { ...vSwitches[1], zone: "cn-shanghai-i" }] } },
            `sms:network.vSwitches[1].zone is "cn-shanghai-i"; allowed: a zone of cn-hangzhou, which is sms:alibaba.region | ${set("sms:network.vSwitches[1].zone", "cn-hangzhou-h")}`,
        ],
        [
            "a CIDR with an address in it",
            { ...onAlibaba, network: { ...existing, vSwitches: [{ ...vSwitches[0], cidr: "10.1.0.7/24" }, vSwitches[1]] } },
            `sms:network.vSwitches[0].cidr is "10.1.0.7/24"; allowed: a network's first address and a prefix from /16 to /29 such as 10.1.0.0/24 | ${set("sms:network.vSwitches[0].cidr", "10.1.0.0/24")}`,
        ],
        [
            "a whitelist for everybody",
            { ...onAlibaba, network: { ...existing, podCidr: "0.0.0.0/0" } },
            `sms:network.podCidr is "0.0.0.0/0"; allowed: a network's first address and a prefix from /8 to /28 such as 172.20.0.0/16 | ${set("sms:network.podCidr", "172.20.0.0/16")}`,
        ],
        [
            "vSwitches that overlap",
            { ...onAlibaba, network: { ...existing, vSwitches: [{ ...vSwitches[0], cidr: "10.1.0.0/23" }, vSwitches[1]] } },
            `sms:network.vSwitches[1].cidr is "10.1.1.0/24"; allowed: addresses outside 10.1.0.0/23, which is vSwitches[0].cidr | ${set("sms:network.vSwitches[1].cidr", "10.1.2.0/24")}`,
        ],
        [
            "pods among the nodes",
            { ...onAlibaba, network: { ...existing, podCidr: "10.1.0.0/16" } },
            `sms:network.podCidr is "10.1.0.0/16"; allowed: addresses outside 10.1.0.0/24, which is vSwitches[0].cidr | ${set("sms:network.podCidr", "10.2.0.0/16")}`,
        ],
        [
            "Services among the pods",
            { ...onAlibaba, network: { ...existing, serviceCidr: "172.20.128.0/20" } },
            `sms:network.serviceCidr is "172.20.128.0/20"; allowed: addresses outside 172.20.0.0/16, which is podCidr | ${set("sms:network.serviceCidr", "172.21.0.0/20")}`,
        ],
        [
            "a vSwitch outside its VPC",
            {
                ...onAlibaba,
                network: {
                    kind: "new",
                    cidr: "10.1.0.0/16",
                    vSwitches: [
                        { zone: "cn-hangzhou-h", cidr: "10.1.0.0/24" },
                        { zone: "cn-hangzhou-i", cidr: "10.2.0.0/24" },
                    ],
                },
            },
            `sms:network.vSwitches[1].cidr is "10.2.0.0/24"; allowed: addresses within 10.1.0.0/16, which is cidr | ${set("sms:network.vSwitches[1].cidr", "10.1.0.0/24")}`,
        ],
        [
            "pods within a new VPC",
            {
                ...onAlibaba,
                network: {
                    kind: "new",
                    cidr: "10.0.0.0/8",
                    podCidr: "10.9.0.0/16",
                    vSwitches: vSwitches.map(({ zone, cidr }) => ({ zone, cidr })),
                },
            },
            `sms:network.podCidr is "10.9.0.0/16"; allowed: addresses outside 10.0.0.0/8, which is cidr | ${set("sms:network.podCidr", "11.0.0.0/16")}`,
        ],
        [
            "an id for what is only to be made",
            {
                ...onAlibaba,
                network: { kind: "new", cidr: "10.1.0.0/16", vSwitches: [vSwitches[0], { zone: "cn-hangzhou-i", cidr: "10.1.1.0/24" }] },
            },
            `sms:network.vSwitches[0].id is not known; allowed: zone, cidr | ${remove("sms:network.vSwitches[0].id")}`,
        ],

        ...[
            ["100.64.0.0/16", "100.64.0.0/10"],
            ["100.0.0.0/8", "100.64.0.0/10"],
            ["127.1.0.0/16", "127.0.0.0/8"],
            ["169.254.0.0/20", "169.254.0.0/16"],
            ["224.0.0.0/16", "224.0.0.0/4"],
            ["239.1.0.0/16", "224.0.0.0/4"],
            ["0.1.0.0/16", "0.0.0.0/8"],
        ].map(([given, kept]): [string, object, string] => [
            `addresses that no network has: ${given}`,
            { ...onAlibaba, network: { ...existing, podCidr: given } },
            `sms:network.podCidr is "${given}"; allowed: a network's first address and a prefix from /8 to /28 such as 172.20.0.0/16; here it has addresses of ${kept}, which no VPC accepts | ${set("sms:network.podCidr", "172.20.0.0/16")}`,
        ]),
        [
            "a VPC in the cloud's own addresses",
            { ...onAlibaba, network: { kind: "new", cidr: "100.64.0.0/16", vSwitches: [] } },
            `sms:network.cidr is "100.64.0.0/16"; allowed: a network's first address and a prefix from /8 to /28 such as 10.1.0.0/16; here it has addresses of 100.64.0.0/10, which no VPC accepts | ${set("sms:network.cidr", "10.1.0.0/16")}`,
        ],

        // Cluster and registry
        [
            "an unknown kind of cluster",
            { cluster: { kind: "eks" } },
            `sms:cluster.kind is "eks"; allowed: context or ack | ${set("sms:cluster.kind", "context")}`,
        ],
        [
            "a cluster by its name in place of its id",
            { ...onAlibaba, cluster: { kind: "ack", id: "my-cluster" } },
            `sms:cluster.id is "my-cluster"; allowed: the ACK cluster's id: c… | ${set("sms:cluster.id", "c123abc")}`,
        ],
        [
            "an unknown kind of registry",
            { registry: { ...acr, kind: "ecr" } },
            `sms:registry.kind is "ecr"; allowed: address or acr or anonymous | ${set("sms:registry.kind", "address")}`,
        ],
        [
            "a host to pull from with a scheme",
            { registry: { ...smallest.registry, pullServer: "http://registry" } },
            `sms:registry.pullServer is "http://registry"; ${server}; did you mean registry? | ${set("sms:registry.pullServer", "registry")}`,
        ],
        [
            "a registry instance by its name in place of its id",
            { ...onAlibaba, registry: { ...acr, instanceId: "my-registry" } },
            `sms:registry.instanceId is "my-registry"; allowed: the Enterprise Edition instance's id: cri-… | ${set("sms:registry.instanceId", "cri-123abc")}`,
        ],
        [
            "a registry instance by its host in place of its name",
            { ...onAlibaba, registry: { ...acr, instanceName: "my-registry.cn-hangzhou" } },
            `sms:registry.instanceName is "my-registry.cn-hangzhou"; allowed: the registry instance's name: lower-case letters, digits and -, 3 to 30 characters | ${set("sms:registry.instanceName", "my-registry")}`,
        ],
        [
            "a repository within a repository",
            { ...onAlibaba, registry: { ...acr, repository: "team/sms" } },
            `sms:registry.repository is "team/sms"; allowed: lower-case letters and digits with . _ - between them, 2 to 64 characters | ${set("sms:registry.repository", "sms")}`,
        ],

        // Managed stores
        [
            "a managed store without a network",
            { alibaba: onAlibaba.alibaba, storesCa, mongo: mongoThere },
            `sms:network.kind is missing; allowed: existing or new, as sms:mongo.kind is managed: without a network nobody could connect | ${set("sms:network.kind", "existing")}`,
            itsMongoPassword,
        ],
        [
            "MongoDB's class for a Redis",
            { ...onAlibaba, redis: { ...redisThere, instanceClass: "mdb.shard.2x.large.c" } },
            `sms:redis.instanceClass is "mdb.shard.2x.large.c"; allowed: an instance class of Alibaba Cloud such as redis.shard.small.2.ce | ${set("sms:redis.instanceClass", "redis.shard.small.2.ce")}`,
            itsRedisPassword,
        ],
        [
            "no class",
            { ...onAlibaba, mongo: { ...mongoThere, instanceClass: undefined } },
            `sms:mongo.instanceClass is missing; allowed: an instance class of Alibaba Cloud such as mdb.shard.2x.large.c | ${set("sms:mongo.instanceClass", "mdb.shard.2x.large.c")}`,
            itsMongoPassword,
        ],
        [
            "a version that YAML made a number of",
            { ...onAlibaba, redis: { ...redisThere, engineVersion: 7 } },
            `sms:redis.engineVersion is 7; allowed: 7.0 or 6.0 or 5.0, in quotes | ${set("sms:redis.engineVersion", "7.0")}`,
            itsRedisPassword,
        ],
        [
            "a version that Alibaba Cloud doesn't have",
            { ...onAlibaba, mongo: { ...mongoThere, engineVersion: "4.2" } },
            `sms:mongo.engineVersion is "4.2"; allowed: 7.0 or 8.0 or 6.0 or 5.0 or 4.4, in quotes | ${set("sms:mongo.engineVersion", "7.0")}`,
            itsMongoPassword,
        ],
        [
            "a store in a zone without a vSwitch",
            { ...onAlibaba, redis: { ...redisThere, zone: "cn-hangzhou-k" } },
            `sms:redis.zone is "cn-hangzhou-k"; allowed: a zone with a vSwitch in sms:network: cn-hangzhou-h or cn-hangzhou-i | ${set("sms:redis.zone", "cn-hangzhou-h")}`,
            itsRedisPassword,
        ],
        [
            "a second node in a zone without a vSwitch",
            { ...onAlibaba, mongo: { ...mongoThere, secondaryZone: "cn-hangzhou-k", hiddenZone: "cn-hangzhou-i" } },
            `sms:mongo.secondaryZone is "cn-hangzhou-k"; allowed: a zone with a vSwitch in sms:network: cn-hangzhou-h or cn-hangzhou-i | ${set("sms:mongo.secondaryZone", "cn-hangzhou-h")}`,
            itsMongoPassword,
        ],
        [
            "a hidden node in a zone without a vSwitch",
            { ...onAlibaba, mongo: { ...mongoThere, secondaryZone: "cn-hangzhou-i", hiddenZone: "cn-hangzhou-k" } },
            `sms:mongo.hiddenZone is "cn-hangzhou-k"; allowed: a zone with a vSwitch in sms:network: cn-hangzhou-h or cn-hangzhou-i | ${set("sms:mongo.hiddenZone", "cn-hangzhou-h")}`,
            itsMongoPassword,
        ],
        [
            "both nodes in one zone",
            { ...onAlibaba, redis: { ...redisThere, secondaryZone: "cn-hangzhou-h" } },
            `sms:redis.secondaryZone is "cn-hangzhou-h"; allowed: a zone that no other node of the store is in, so that one zone can fail | ${remove("sms:redis.secondaryZone")}`,
            itsRedisPassword,
        ],
        [
            "a hidden node beside the second one",
            { ...onAlibaba, mongo: { ...mongoThere, secondaryZone: "cn-hangzhou-i", hiddenZone: "cn-hangzhou-i" } },
            `sms:mongo.hiddenZone is "cn-hangzhou-i"; allowed: a zone that no other node of the store is in, so that one zone can fail | ${remove("sms:mongo.hiddenZone")}`,
            itsMongoPassword,
        ],
        ...["redis.logic.sharding.1g.2db.0rodb.4proxy.default", "redis.sharding.small.default", "redis.shard.with.proxy.small.ce"].map(
            (instanceClass): [string, object, string, object] => [
                `a cluster as the broker (${instanceClass})`,
                { ...onAlibaba, redis: { ...redisThere, instanceClass } },
                `sms:redis.instanceClass is "${instanceClass}"; allowed: a class without shards: workers take from several queues at once, and a cluster keeps the queues in different slots | ${set("sms:redis.instanceClass", "redis.shard.small.2.ce")}`,
                itsRedisPassword,
            ],
        ),
        [
            "MongoDB in two zones, which Alibaba Cloud doesn't sell",
            { ...onAlibaba, mongo: { ...mongoThere, secondaryZone: "cn-hangzhou-i" } },
            `sms:mongo.hiddenZone is missing; allowed: given together with secondaryZone, or both left out: a replica set is in one zone or in three | ${set("sms:mongo.hiddenZone", "cn-hangzhou-j")}`,
            itsMongoPassword,
        ],
        [
            "MongoDB with a hidden zone and no secondary one",
            { ...onAlibaba, mongo: { ...mongoThere, hiddenZone: "cn-hangzhou-i" } },
            `sms:mongo.secondaryZone is missing; allowed: given together with hiddenZone, or both left out: a replica set is in one zone or in three | ${set("sms:mongo.secondaryZone", "cn-hangzhou-j")}`,
            itsMongoPassword,
        ],
        [
            "one node in three zones",
            { ...onAlibaba, mongo: { ...mongoThere, secondaryZone: "cn-hangzhou-i", hiddenZone: "cn-hangzhou-j", nodes: 1 } },
            `sms:mongo.nodes is 1; allowed: 3 or more, as there are three zones | ${set("sms:mongo.nodes", 3)}`,
            itsMongoPassword,
        ],
        [
            "storage that is no multiple of ten",
            { ...onAlibaba, mongo: { ...mongoThere, storageGb: 25 } },
            `sms:mongo.storageGb is 25; allowed: a whole number of GB from 20 to 16000 in steps of 10, without quotes | ${set("sms:mongo.storageGb", 20)}`,
            itsMongoPassword,
        ],
        [
            "storage of a kind that can't be added to",
            { ...onAlibaba, mongo: { ...mongoThere, storageType: "local_ssd" } },
            `sms:mongo.storageType is "local_ssd"; allowed: cloud_essd1 or cloud_essd2 or cloud_essd3 or cloud_auto | ${set("sms:mongo.storageType", "cloud_essd1")}`,
            itsMongoPassword,
        ],
        [
            "an even number of nodes",
            { ...onAlibaba, mongo: { ...mongoThere, nodes: 2 } },
            `sms:mongo.nodes is 2; allowed: 1 or 3 or 5 or 7, without quotes | ${set("sms:mongo.nodes", 3)}`,
            itsMongoPassword,
        ],
        [
            "a day that is none",
            { ...onAlibaba, redis: { ...redisThere, backup: { days: ["Mon"] } } },
            `sms:redis.backup.days[0] is "Mon"; allowed: Monday or Tuesday or Wednesday or Thursday or Friday or Saturday or Sunday | ${set("sms:redis.backup.days[0]", "Monday")}`,
            itsRedisPassword,
        ],
        [
            "no backup at all",
            { ...onAlibaba, redis: { ...redisThere, backup: { days: [] } } },
            "sms:redis.backup.days is []; allowed: a list of week days such as [Monday, Thursday] | write it as a list: sms:redis.backup.days: with its entries indented below, each after a -",
            itsRedisPassword,
        ],
        [
            "a backup in the middle of an hour",
            { ...onAlibaba, mongo: { ...mongoThere, backup: { from: "19:30Z" } } },
            `sms:mongo.backup.from is "19:30Z"; allowed: a whole hour in UTC from 00:00Z to 22:00Z, in quotes | ${set("sms:mongo.backup.from", "19:00Z")}`,
            itsMongoPassword,
        ],
        [
            "a maintenance over midnight",
            { ...onAlibaba, mongo: { ...mongoThere, maintenance: { from: "23:00Z" } } },
            `sms:mongo.maintenance.from is "23:00Z"; allowed: a whole hour in UTC from 00:00Z to 22:00Z, in quotes | ${set("sms:mongo.maintenance.from", "18:00Z")}`,
            itsMongoPassword,
        ],
        [
            "encryption in words",
            { ...onAlibaba, redis: { ...redisThere, tls: "on" } },
            `sms:redis.tls is "on"; allowed: true or false | ${set("sms:redis.tls", "true")}`,
            itsRedisPassword,
        ],
        [
            "encryption, which is the default online, without an authority",
            { ...onAlibaba, storesCa: undefined, redis: redisThere },
            `sms:storesCa.file is missing; allowed: Alibaba Cloud's CA chain in a PEM file, as sms:redis.tls is true by default in production; or sms:redis.tls false | ${set("sms:storesCa.file", "certificates/apsaradb.pem")}`,
            itsRedisPassword,
        ],
        [
            "encryption that is asked for, without an authority",
            { ...onAlibaba, environment: "test", storesCa: undefined, mongo: { ...mongoThere, tls: true } },
            `sms:storesCa.file is missing; allowed: Alibaba Cloud's CA chain in a PEM file, as sms:mongo.tls is true; or sms:mongo.tls false | ${set("sms:storesCa.file", "certificates/apsaradb.pem")}`,
            itsMongoPassword,
        ],
        [
            "a file with certificates that isn't there",
            { storesCa: { file: "certificates/none.pem" } },
            `sms:storesCa.file is "certificates/none.pem"; allowed: the path of a file with certificates in PEM, absolute or from the folder of Pulumi.yaml | ${set("sms:storesCa.file", "certificates/apsaradb.pem")}`,
        ],
        [
            "a file with something else than certificates",
            { storesCa: { file: "package.json" } },
            `sms:storesCa.file is "package.json"; allowed: the path of a file with certificates in PEM, absolute or from the folder of Pulumi.yaml | ${set("sms:storesCa.file", "certificates/apsaradb.pem")}`,
        ],
        [
            "half a certificate",
            { storesCa: { text: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----" } },
            `sms:storesCa.text is "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE----…; allowed: certificates in PEM, one after the other | ${remove("sms:storesCa.text")}`,
        ],
        [
            "a load balancer without a network",
            { loadBalancer: {} },
            `sms:network.kind is missing; allowed: existing or new, as sms:loadBalancer is given: it has an address in each zone's vSwitch | ${set("sms:network.kind", "existing")}`,
        ],
        [
            "a load balancer that lets go of pods before they have answered",
            { ...onAlibaba, loadBalancer: { drainSeconds: 40 } },
            `sms:loadBalancer.drainSeconds is 40; allowed: above 40, which is sms:web's preStopSeconds + gracefulTimeoutSeconds: otherwise responses are cut off | ${set("sms:loadBalancer.drainSeconds", 60)}`,
        ],
        [
            "certificates twice",
            { storesCa: { ...storesCa, text: pem } },
            `sms:storesCa.text is ${JSON.stringify(pem).slice(0, 60)}…; allowed: left out, as file is given | ${remove("sms:storesCa.text")}`,
        ],
        [
            "certificates that aren't given",
            { storesCa: {} },
            `sms:storesCa.file is missing; allowed: the path of a PEM file, or text with its contents | ${set("sms:storesCa.file", "certificates/apsaradb.pem")}`,
        ],
        [
            "a prepaid store",
            { ...onAlibaba, redis: { ...redisThere, paymentType: "PrePaid" } },
            `sms:redis.paymentType is "PrePaid"; allowed: left out: stores are PostPaid. If a PrePaid store is destroyed, Pulumi only forgets it, and the cloud still charges for it | ${remove("sms:redis.paymentType")}`,
            itsRedisPassword,
        ],
        [
            "protection in words",
            { ...onAlibaba, mongo: { ...mongoThere, protect: "yes" } },
            `sms:mongo.protect is "yes"; allowed: true or false | ${set("sms:mongo.protect", "true")}`,
            itsMongoPassword,
        ],
        [
            "an image for a managed store",
            { ...onAlibaba, redis: { ...redisThere, image: "redis:7.0" } },
            `sms:redis.image is not known; allowed: kind, instanceClass, engineVersion, account, zone, secondaryZone, tls, backup, maintenance, protect, paymentType | ${remove("sms:redis.image")}`,
            itsRedisPassword,
        ],
        [
            "no password for a managed Redis",
            { ...onAlibaba, redis: redisThere },
            "sms:redisPassword is missing; needed as sms:redis.kind is managed | pulumi config set --secret sms:redisPassword --stack online",
            { redisUrl: undefined },
        ],
        [
            "a URL for a managed MongoDB",
            { ...onAlibaba, mongo: mongoThere },
            "sms:mongoUrl is not used, as sms:mongo.kind is managed; allowed: none | pulumi config rm sms:mongoUrl --stack online",
            { mongoPassword: "Mongo-p@ssw0rd" },
        ],
        ...(
            [
                ["a managed store's password of 7 characters", "Abc-123"],
                ["a managed store's password of 33 characters", `Abc-123${"x".repeat(26)}`],
                ["a managed store's password of two kinds of characters", "abcdefgh123"],
                ["a managed store's password with a character that Alibaba Cloud doesn't take", "Abc-123/xyz"],
                ["a managed store's password with a letter of another alphabet", "Abc-123-wörd"],
                ["a managed store's password with a line break", "Abc-123-xyz\n"],
            ] as const
        ).map(([what, password]): (typeof refused)[number] => [
            what,
            { ...onAlibaba, redis: redisThere },
            "sms:redisPassword has a value (not shown); allowed: 8 to 32 characters, of at least three of: upper case, lower case, digits, !@#$%^&*()_+-=; nothing else | pulumi config set --secret sms:redisPassword --stack online",
            { redisUrl: undefined, redisPassword: password },
        ]),

        // Logs
        [
            "an unknown place for logs",
            { logs: { ship: { to: { kind: "loki" } } } },
            `sms:logs.ship.to.kind is "loki"; allowed: sls or otlp | ${set("sms:logs.ship.to.kind", "sls")}`,
        ],
        [
            "a collector of any version",
            {
                logs: {
                    ship: { image: "otel/opentelemetry-collector-contrib", to: { kind: "otlp", endpoint: "https://otlp.example.com" } },
                },
            },
            `sms:logs.ship.image is "otel/opentelemetry-collector-contrib"; ${imageName("otel/opentelemetry-collector-contrib:0.128.0")} | ${set("sms:logs.ship.image", "otel/opentelemetry-collector-contrib:0.128.0")}`,
        ],
        [
            "a project's name with capitals",
            { ...onAlibaba, logs: { ship: { to: { ...sls, project: "MyCompany" } } } },
            `sms:logs.ship.to.project is "MyCompany"; allowed: lower-case letters, digits and -, 3 to 63 characters | ${set("sms:logs.ship.to.project", "my-company-sms")}`,
            { logsAccessKeySecret: "secret" },
        ],
        [
            "logs that are kept for no day",
            { ...onAlibaba, logs: { ship: { to: { ...sls, retentionDays: 0 } } } },
            `sms:logs.ship.to.retentionDays is 0; ${number(1, 3000)} | ${set("sms:logs.ship.to.retentionDays", 30)}`,
            { logsAccessKeySecret: "secret" },
        ],
        [
            "an address for logs with a password",
            { logs: { ship: { to: { kind: "otlp", endpoint: "https://me:pw@otlp.example.com" } } } },
            `sms:logs.ship.to.endpoint has a value (not shown); ${gateway}; here it has a user or a password | ${set("sms:logs.ship.to.endpoint", "https://otlp.example.com:4318")}`,
        ],
        [
            "an address for logs with a port that is none",
            { logs: { ship: { to: { kind: "otlp", endpoint: "https://otlp.example.com:99999" } } } },
            `sms:logs.ship.to.endpoint is "https://otlp.example.com:99999"; ${gateway}; here its port isn't a number from 1 to 65535 | ${set("sms:logs.ship.to.endpoint", "https://otlp.example.com:4318")}`,
        ],
        [
            "a page that has a place in it already",
            { monitoring: { kind: "operator", onCallUrl: "https://git.example.com/on-call.md#web" } },
            `sms:monitoring.onCallUrl is "https://git.example.com/on-call.md#web"; allowed: an https:// or http:// address without a user, a password or a #; here it has a # | ${set("sms:monitoring.onCallUrl", "https://git.example.com/sms/docs/on-call.md")}`,
        ],
        [
            "no key for logs in SLS",
            { ...onAlibaba, logs: { ship: { to: sls } } },
            "sms:logsAccessKeySecret is missing; needed as sms:logs.ship.to.kind is sls | pulumi config set --secret sms:logsAccessKeySecret --stack online",
        ],
        [
            "a key for logs that go elsewhere",
            { logs: { ship: { to: { kind: "otlp", endpoint: "https://otlp.example.com" } } } },
            "sms:logsAccessKeySecret is not used, as sms:logs.ship.to.kind is otlp; allowed: none | pulumi config rm sms:logsAccessKeySecret --stack online",
            { logsAccessKeySecret: "secret" },
        ],
        [
            "a key for logs that go nowhere",
            {},
            "sms:logsAuthorization is not used, as sms:logs.ship.to.kind is not given; allowed: none | pulumi config rm sms:logsAuthorization --stack online",
            { logsAuthorization: "Bearer abc" },
        ],

        // Times
        [
            "a visibility timeout within which tasks still wait",
            { worker: { visibilityTimeoutSeconds: 660 } },
            `sms:worker.visibilityTimeoutSeconds is 660; allowed: above 660, which is sendRetryMaxSeconds + sendLeaseSeconds: otherwise waiting tasks are delivered twice | ${set("sms:worker.visibilityTimeoutSeconds", 1320)}`,
        ],
        [
            "retries that outlast the visibility timeout",
            { worker: { sendRetryMaxSeconds: 3540 } },
            `sms:worker.visibilityTimeoutSeconds is 3600 by default; allowed: above 3600, which is sendRetryMaxSeconds + sendLeaseSeconds: otherwise waiting tasks are delivered twice | ${set("sms:worker.visibilityTimeoutSeconds", 7200)}`,
        ],
        [
            "times that the program sets itself",
            { env: { VISIBILITY_TIMEOUT_SECONDS: 60 } },
            `sms:env.VISIBILITY_TIMEOUT_SECONDS is 60; allowed: another name, as the program itself sets this one, from sms:worker.visibilityTimeoutSeconds | ${remove("sms:env.VISIBILITY_TIMEOUT_SECONDS")}`,
        ],
    ];

    const doors: [what: string, plain: object, secret: object, problem: string][] = [
        [
            "a stack without a client, as everybody could send",
            { clients: undefined },
            { clientTokens: undefined },
            "sms:clients is missing; allowed: one or more clients that may send | npm run clients -- add NAME --stack online",
        ],
        [
            "a stack that says that it is open and who may send",
            { openToAnybody: true },
            {},
            "sms:openToAnybody is true; allowed: left out, as sms:clients says who may send | pulumi config rm sms:openToAnybody --stack online",
        ],
        [
            "a client without a token",
            { clients: { shop: {}, other: {} } },
            {},
            "sms:clientTokens.other is missing; needed as sms:clients.other may send | npm run clients -- rotate other --stack online",
        ],
        [
            "a token of nobody",
            {},
            { clientTokens: { shop: hash, other: "none" } },
            "sms:clientTokens.other is not used, as sms:clients has no other; allowed: none | pulumi config rm --path 'sms:clientTokens.other' --stack online",
        ],
        [
            "a token in place of its hash",
            {},
            { clientTokens: { shop: "sms_hunter2" } },
            "sms:clientTokens.shop has a value (not shown); allowed: none, or the SHA-256 of one token or two, as npm run clients writes it | pulumi config set --secret --path 'sms:clientTokens.shop' --stack online",
        ],
        [
            "a former client that is none",
            { formerClient: "other" },
            {},
            'sms:formerClient is "other"; allowed: left out or shop | pulumi config rm sms:formerClient --stack online',
        ],
    ];

    for (const [what, plain, secret, problem] of doors) {
        it(`refuse ${what}`, () => {
            assert.deepEqual(problemsOf(plain, secret), [problem]);
        });
    }

    it("accept two tokens of a client while one replaces the other, and no token of a client whose tokens are revoked", () => {
        assert.deepEqual(
            problemsOf({ clients: { shop: {}, other: {} } }, { clientTokens: { shop: `${hash},${hash}`, other: "none" } }),
            [],
        );
    });

    it("accept a stack that is explicitly open", () => {
        assert.deepEqual(problemsOf({ clients: undefined, openToAnybody: true }, { clientTokens: undefined }), []);
    });

    for (const [what, plain, problem, secret] of refused) {
        it(`refuse ${what}`, () => {
            assert.deepEqual(problemsOf(plain, secret), [problem]);
        });
    }

    it("refuse a secret in plain text", () => {
        assert.deepEqual(problemsOf({}, {}, ["registryPassword", "mongoUrl", "clientTokens"]), [
            "sms:redisUrl is a secret in plain text; allowed: encrypted only. If the file was ever shared, change the secret itself too | pulumi config set --secret sms:redisUrl --stack online",
        ]);
    });

    it("don't show a secret in plain text, also if it has other faults", () => {
        const problems = problemsOf({}, { redisUrl: "hunter2" }, ["registryPassword", "mongoUrl", "clientTokens"]);
        assert.equal(problems.length, 2);
        assert.doesNotMatch(problems.join(), /hunter2/);
    });

    it("refuse secret variables in plain text", () => {
        assert.deepEqual(problemsOf({}, { secretEnv: { API_KEY: "hunter2" } }, Object.keys(secrets)), [
            "sms:secretEnv is a secret in plain text; allowed: encrypted only. If the file was ever shared, change the secret itself too | pulumi config rm sms:secretEnv --stack online && pulumi config set --secret --path 'sms:secretEnv.NAME' --stack online",
        ]);
    });

    it("refuse an encrypted value if it would not stay secret, and don't show its block", () => {
        assert.deepEqual(problemsOf({ env: { NAME: "hunter2", OTHER: null } }, {}, [...Object.keys(secrets), "env"]), [
            `sms:env.OTHER has a value (not shown); allowed: a text, a number, true or false | ${set("sms:env.OTHER", "true")}`,
            "sms:env holds an encrypted value, which would not stay secret here; allowed: plain values. Secret variables go into sms:secretEnv | pulumi config rm sms:env --stack online",
        ]);
    });

    it("name all faults together, with the remedies", () => {
        assert.throws(() => parse({ stack: "new", texts: { web: '{"replicas":0,"nodePort":1}' }, encrypted: new Set() }), {
            name: "SettingsError",
            message: [
                "10 problems in the settings of stack new (Pulumi.new.yaml):",
                "",
                `  sms:environment is missing; ${label}`,
                "      pulumi config set sms:environment online --stack new",
                "",
                "  sms:cluster.context is missing; allowed: the name of a context in the kubeconfig (kubectl config get-contexts)",
                "      pulumi config set --path 'sms:cluster.context' my-cluster --stack new",
                "",
                `  sms:registry.server is missing; ${server}`,
                "      pulumi config set --path 'sms:registry.server' registry.cn-hangzhou.aliyuncs.com --stack new",
                "",
                "  sms:registry.username is missing; allowed: the account's name, without spaces",
                "      pulumi config set --path 'sms:registry.username' sms --stack new",
                "",
                "  sms:redis.kind is missing; allowed: cluster or managed or external",
                "      pulumi config set --path 'sms:redis.kind' cluster --stack new",
                "",
                "  sms:mongo.kind is missing; allowed: cluster or managed or external",
                "      pulumi config set --path 'sms:mongo.kind' cluster --stack new",
                "",
                `  sms:web.replicas is 0; ${number(1, 100)}`,
                "      pulumi config set --path 'sms:web.replicas' 6 --stack new",
                "",
                `  sms:web.nodePort is 1; ${number(30000, 32767)}`,
                "      pulumi config set --path 'sms:web.nodePort' 31090 --stack new",
                "",
                "  sms:registryPassword is missing; needed to push and to pull the image",
                "      pulumi config set --secret sms:registryPassword --stack new",
                "",
                "  sms:clients is missing; allowed: one or more clients that may send",
                "      npm run clients -- add NAME --stack new",
                "",
            ].join("\n"),
        });
    });

    it("name faults between blocks even if other blocks are invalid", () => {
        const problems = problemsOf(
            { network: existing, storesCa, redis: { ...redisThere, zone: "cn-hangzhou-k" }, web: { replicas: 0 } },
            itsRedisPassword,
        );
        assert.deepEqual(
            problems.map((problem) => problem.split(" ")[0]),
            ["sms:web.replicas", "sms:alibaba.region", "sms:redis.zone"],
        );
    });

    it("report no faults between blocks that are invalid themselves", () => {
        const network = { ...existing, vpcId: undefined };
        const problems = problemsOf({ ...onAlibaba, network, redis: { ...redisThere, zone: "cn-hangzhou-k" } }, itsRedisPassword);
        assert.deepEqual(
            problems.map((problem) => problem.split(" ")[0]),
            ["sms:network.vpcId"],
        );
    });

    it("are refused without a stack trace: Pulumi shows only the message of such an error", () => {
        assert.ok(pulumi.RunError.isInstance(new SettingsError("online", [])));
    });

    it("handle any file: they are accepted, or refused by keys of the file or by missing keys", () => {
        const keys = [
            "environment",
            "namespace",
            "alibaba",
            "network",
            "cluster",
            "registry",
            "image",
            "redis",
            "mongo",
            "logs",
            "env",
            "web",
            "worker",
            "beat",
            "clients",
            "openToAnybody",
            "messagesPerDay",
            "formerClient",
            "production",
            "placement",
            "serviceAccount",
        ];
        const secretKeys = [
            "clientTokens",
            "registryPassword",
            "redisPassword",
            "redisUrl",
            "mongoPassword",
            "mongoUrl",
            "logsAccessKeySecret",
            "logsAuthorization",
            "secretEnv",
        ];
        const inner = [
            "kind",
            "vSwitches",
            "zone",
            "cidr",
            "backup",
            "ship",
            "to",
            "replicas",
            "resources",
            "requests",
            "cpu",
            "env",
            "rollout",
            "maxSurge",
            "buildArgs",
            "placement",
            "nodeSelector",
            "tolerations",
            "__proto__",
            "toString",
        ];
        const text = fc.string({ unit: anyCharacter });
        const json = fc.letrec<{ value: unknown; block: unknown }>((tie) => ({
            value: fc.oneof({ depthSize: "medium" }, fc.jsonValue(), text, fc.double(), tie("block")),
            block: fc.dictionary(fc.oneof(fc.constantFrom(...inner), text), tie("value"), { maxKeys: 5 }),
        })).value;
        const texts = fc.dictionary(
            fc.oneof(fc.constantFrom(...keys, ...secretKeys), text),
            fc.oneof(
                text,
                json.map((value) => JSON.stringify(value) ?? "null"),
            ),
        );
        fc.assert(
            fc.property(texts, fc.subarray([...keys, ...secretKeys]), (texts, encrypted) => {
                try {
                    parse({ stack: "online", texts, encrypted: new Set(encrypted) });
                } catch (error) {
                    if (!(error instanceof SettingsError)) {
                        throw error;
                    }
                    assert.ok(error.problems.length > 0);
                    for (const { key } of error.problems) {
                        const first = /^sms:([^.[]*)/.exec(key)?.[1] ?? "";
                        const isKnown =
                            [...keys, ...secretKeys].includes(first) || Object.keys(texts).some((given) => key.startsWith(`sms:${given}`));
                        assert.ok(isKnown, key);
                    }
                }
            }),
            { numRuns: 200 },
        );
    });

    it("handle a kind that can't be converted to a text", () => {
        assert.match(problemsOf({ mongo: { kind: { toString: "" } } }).join(), /^sms:mongo.kind is {"toString":""}; allowed: /);
    });

    it("treat as scalars exactly the keys that aren't blocks", () => {
        const blocks = ["alibaba", "network", "cluster", "registry", "image", "redis", "mongo", "logs", "env", "web", "worker", "beat"];
        for (const key of blocks) {
            assert.ok(!scalarKeys.includes(key), key);
        }
        assert.equal(settingsOf({}, { registryPassword: "12345678" }).environment, "online");
        assert.deepEqual(problemsOf({}, { registryPassword: "{}" }), []);
    });
});

describe("the settings of the machine's own stack", () => {
    const fixes = (plain: object, secret: object, encrypted: string[]) => {
        try {
            parse({ ...raw({ ...smallest, environment: "local", ...plain }, secret, encrypted), stack: "local" });
        } catch (error) {
            assert.ok(error instanceof SettingsError, String(error));
            return error.problems.map(({ key, fix }) => `${key} | ${fix}`);
        }
        return [];
    };

    it("are corrected in its file, because `pulumi config` would change a copy; the machine manages its secrets", () => {
        const plain = { web: { replicas: -1, replica: 1, env: { GATEWAY_PASSWORD: "x" } } };
        const secret = {
            redisUrl: secrets.redisUrl,
            mongoUrl: secrets.mongoUrl,
            mongoPassword: "long-enough-password",
            secretEnv: { A: "b" },
        };
        assert.deepEqual(fixes(plain, secret, ["redisUrl", "mongoUrl", "mongoPassword"]).sort(), [
            "sms:clientTokens.shop | npm run up",
            "sms:mongoPassword | npm run pulumi -- config rm sms:mongoPassword",
            "sms:registryPassword | npm run pulumi -- config set --secret sms:registryPassword",
            "sms:secretEnv | remove sms:secretEnv from Pulumi.local.yaml, then npm run pulumi -- config set --secret --path 'sms:secretEnv.NAME'",
            "sms:web.env.GATEWAY_PASSWORD | remove sms:web.env.GATEWAY_PASSWORD from Pulumi.local.yaml, then npm run pulumi -- config set --secret --path 'sms:secretEnv.GATEWAY_PASSWORD'",
            "sms:web.replica | rename it in Pulumi.local.yaml, or: remove sms:web.replica from Pulumi.local.yaml",
            "sms:web.replicas | set sms:web.replicas to 6 in Pulumi.local.yaml",
        ]);
    });
});

describe("a Kubernetes quantity", () => {
    for (const [text, expected] of [
        ["100m", 0.1],
        ["0.1", 0.1],
        [".5", 0.5],
        ["2.", 2],
        ["1e3", 1000],
        ["1E3", 1000],
        ["1k", 1000],
        ["1Ki", 1024],
        ["1.5Gi", 1.5 * 2 ** 30],
        ["1E", 1e18],
        ["0", undefined],
        ["-1", undefined],
        ["1K", undefined],
        ["1 Gi", undefined],
        ["1e3Ki", undefined],
        ["", undefined],
        ["NaN", undefined],
        ["Infinity", undefined],
    ] as const) {
        it(`reads ${JSON.stringify(text)} as ${expected ?? "none"}`, () => {
            assert.equal(amount(text), expected);
        });
    }
});

describe("a CIDR", () => {
    for (const [text, expected] of [
        ["10.0.0.0/8", { first: 10 * 2 ** 24, last: 11 * 2 ** 24 - 1, prefix: 8 }],
        ["192.168.1.1/32", { first: 3232235777, last: 3232235777, prefix: 32 }],
        ["0.0.0.0/0", { first: 0, last: 2 ** 32 - 1, prefix: 0 }],
        ["10.0.0.1/8", undefined],
        ["10.0.0.0/33", undefined],
        ["256.0.0.0/8", undefined],
        ["10.0.0/8", undefined],
        ["10.0.0.0", undefined],
        ["", undefined],
    ] as const) {
        it(`${text || "of nothing"} is ${expected ? `${expected.last - expected.first + 1} addresses` : "none"}`, () => {
            assert.deepEqual(range(text), expected);
        });
    }

    it("overlaps with a CIDR that shares an address, and contains one whose addresses are all inside", () => {
        assert.deepEqual(
            [overlap("10.0.0.0/23", "10.0.1.0/24"), overlap("10.0.1.0/24", "10.0.0.0/23"), overlap("10.0.0.0/24", "10.0.1.0/24")],
            [true, true, false],
        );
        assert.deepEqual(
            [contains("10.0.0.0/23", "10.0.1.0/24"), contains("10.0.1.0/24", "10.0.0.0/23"), contains("10.0.0.0/24", "10.0.0.0/24")],
            [true, false, true],
        );
    });

    it("has one of any size within it and after it", () => {
        assert.deepEqual(
            [networkIn("10.0.0.0/16", "192.168.1.0/24"), networkAfter("10.0.0.0/24", "172.16.0.0/16")],
            ["10.0.0.0/24", "10.1.0.0/16"],
        );
    });
});

describe("the stack files", () => {
    it("local lacks only its secrets", () => {
        const settings = parse(raw(stackFile("local"), localSecrets));
        assert.deepEqual([settings.environment, settings.web.replicas, settings.worker.replicas], ["local", 2, 1]);
    });

    it("online lists its missing settings, and lacks only those", () => {
        assert.throws(
            () => parse(raw(stackFile("online"), {})),
            ({ problems }: SettingsError) => {
                assert.deepEqual(
                    problems.map(({ key }) => key),
                    [
                        "sms:network.vpcId",
                        "sms:network.vSwitches[0].id",
                        "sms:network.vSwitches[1].id",
                        "sms:network.vSwitches[2].id",
                        "sms:cluster.id",
                        "sms:registry.instanceId",
                        "sms:registry.instanceName",
                        "sms:registry.username",
                        "sms:logs.ship.to.project",
                        "sms:logs.ship.to.accessKeyId",
                        "sms:storesCa.file",
                        "sms:registryPassword",
                        "sms:redisPassword",
                        "sms:mongoPassword",
                        "sms:logsAccessKeySecret",
                        "sms:clientTokens.shop",
                    ],
                );
                return true;
            },
        );
        const settings = parse(raw(completed("online"), onlineSecrets));
        assert.deepEqual([settings.environment, settings.web.replicas, settings.worker.replicas], ["online", 6, 6]);
    });

    it("test lists its missing settings, and lacks only those", () => {
        assert.throws(
            () => parse(raw(stackFile("test"), {})),
            ({ problems }: SettingsError) => {
                assert.deepEqual(
                    problems.map(({ key }) => key),
                    [
                        "sms:network.vpcId",
                        "sms:network.vSwitches[0].id",
                        "sms:network.vSwitches[1].id",
                        "sms:cluster.context",
                        "sms:registry.username",
                        "sms:registryPassword",
                        "sms:redisPassword",
                        "sms:mongoPassword",
                        "sms:clientTokens.shop",
                    ],
                );
                return true;
            },
        );
        assert.equal(parse(raw(completed("test"), testSecrets)).environment, "test");
    });

    for (const stack of ["online", "test"]) {
        it(`${stack} has all commands of a preview's report in its head`, () => {
            const head = readFileSync(`Pulumi.${stack}.yaml`, "utf8");
            assert.throws(
                () => parse({ ...raw(stackFile(stack), {}), stack }),
                ({ problems }: SettingsError) => {
                    for (const { fix } of problems) {
                        const command = fix
                            .replace(` --stack ${stack}`, "")
                            .replace(/ [^' ]+$/, (last) => (last.includes(":") ? last : ""));
                        assert.ok(head.includes(`#   ${command}`), command);
                    }
                    return true;
                },
            );
        });
    }
});

describe("the reader of the configuration", () => {
    async function read(texts: Record<string, string>, secretKeys: string[], stack?: string) {
        const prefixed = Object.fromEntries(Object.entries(texts).map(([key, text]) => [`sms:${key}`, text]));
        return deploy(() => {
            pulumi.runtime.setAllConfig(
                { ...prefixed, "pulumi:disable-default-providers": "[]", "other:key": "x" },
                secretKeys.map((key) => `sms:${key}`),
            );
            return readSettings();
        }, stack);
    }
    const external = { redis: JSON.stringify({ kind: "external" }), mongo: JSON.stringify({ kind: "external" }) };
    const online = () => read({ ...completed("online"), ...onlineSecrets }, Object.keys(onlineSecrets));

    describe("with a stack file that contains 022, 2026-11-29 and 1_000", () => {
        const clone = process.cwd();
        let folder: string;

        before(() => {
            folder = mkdtempSync(join(tmpdir(), "sms-settings-"));
            const env = "{ UMASK: 022, DAY: 2026-11-29, TEXT: plain }";
            writeFileSync(join(folder, "Pulumi.misread.yaml"), `config: { sms:env: ${env}, sms:web: { replicas: 1_000 } }`);
            process.chdir(folder);
        });
        after(() => {
            process.chdir(clone);
            rmSync(folder, { recursive: true });
        });

        const readWith = (env: object, replicas: number, stack: string) =>
            read(
                { ...local, ...localSecrets, env: JSON.stringify(env), web: JSON.stringify({ replicas }) },
                Object.keys(localSecrets),
                stack,
            );
        const local = stackFile("local");
        const asEngineReads = { UMASK: 18, DAY: "2026-11-29 00:00:00 +0000 UTC", TEXT: "plain" };

        it("refuses a value that the engine read differently from the file", async () => {
            await assert.rejects(readWith(asEngineReads, 1000, "misread"), ({ problems }: SettingsError) => {
                assert.deepEqual(problems, [
                    {
                        key: "sms:env.UMASK",
                        message: "is 022, which YAML reads as 18; put it in quotes, or write 18",
                        fix: 'write "022" in Pulumi.misread.yaml',
                    },
                    {
                        key: "sms:env.DAY",
                        message: "is 2026-11-29, which YAML reads as a time; put it in quotes",
                        fix: 'write "2026-11-29" in Pulumi.misread.yaml',
                    },
                    {
                        key: "sms:web.replicas",
                        message: "is 1_000, which YAML reads as 1000; put it in quotes, or write 1000",
                        fix: 'write "1_000" in Pulumi.misread.yaml',
                    },
                ]);
                return true;
            });
        });

        it("ignores a file that the engine didn't read, and a missing file", async () => {
            const { result } = await readWith({ UMASK: "0022", DAY: "2026-11-30" }, 2, "misread");
            assert.equal((result.env as Record<string, string>).UMASK, "0022");
            const { result: other } = await readWith(asEngineReads, 2, "other");
            assert.equal((other.env as Record<string, string>).UMASK, "18");
        });
    });

    it("returns credentials as secrets", async () => {
        const { result } = await online();
        assert.ok(result.registry.account);
        assert.deepEqual(await resolve(result.registry.account.password), { value: "registry-secret", secret: true });
        assert.ok(result.redis.kind === "managed" && result.mongo.kind === "managed" && result.logs.ship?.to.kind === "sls");
        assert.deepEqual(await resolve(result.redis.password), { value: onlineSecrets.redisPassword, secret: true });
        assert.deepEqual(await resolve(result.mongo.password), { value: onlineSecrets.mongoPassword, secret: true });
        assert.deepEqual(await resolve(result.logs.ship.to.accessKeySecret), { value: onlineSecrets.logsAccessKeySecret, secret: true });
    });

    it("encrypts the connection to a managed store of production by default, and to no other store", async () => {
        const tlsOf = async (where: Record<string, string>, tls?: boolean) => {
            const own = { ...where, redis: JSON.stringify({ ...redisThere, tls }), storesCa: JSON.stringify(storesCa) };
            const { result } = await read({ ...completed("test"), ...testSecrets, ...own }, Object.keys(testSecrets));
            return [result.production, result.redis.kind === "managed" ? result.redis.tls : "not managed"];
        };
        const [online, test] = [{ environment: "online" }, { environment: "test" }];
        const [live, staging] = [
            { environment: "another", production: "true" },
            { environment: "another", production: "false" },
        ];
        assert.deepEqual(
            [await tlsOf(online), await tlsOf(online, false), await tlsOf(test), await tlsOf(test, true)],
            [
                [true, true],
                [true, false],
                [false, undefined],
                [false, true],
            ],
        );
        assert.deepEqual(
            [await tlsOf(live), await tlsOf(staging)],
            [
                [true, true],
                [false, undefined],
            ],
        );
    });

    it("uses the file's name of the environment: in Alibaba Cloud, for the pods, in the logs", async () => {
        const own = { ...completed("test"), environment: "live-eu", production: "true", storesCa: JSON.stringify(storesCa) };
        const { instanceName, tags, env, protectNamespace, redis } = (await read({ ...own, ...testSecrets }, Object.keys(testSecrets)))
            .result;
        assert.deepEqual([instanceName, tags.environment, (env as Record<string, string>).ENV], ["sms-live-eu", "live-eu", "live-eu"]);
        assert.deepEqual([protectNamespace, redis.kind === "managed" && redis.protect], [true, true]);
    });

    it("reads the stores' certificates from a file or from the setting", async () => {
        for (const given of [storesCa, { text: pem }]) {
            const texts = { ...completed("online"), ...onlineSecrets, storesCa: JSON.stringify(given) };
            assert.equal((await read(texts, Object.keys(onlineSecrets))).result.storesCa, pem);
        }
    });

    it("returns the URLs of external stores as secrets", async () => {
        const secrets = {
            ...testSecrets,
            redisPassword: undefined,
            mongoPassword: undefined,
            redisUrl: "redis://:p@a",
            mongoUrl: "mongodb://a:p@b",
        };
        const given = Object.fromEntries(Object.entries(secrets).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])));
        const { result } = await read({ ...completed("test"), ...external, ...given }, Object.keys(given));
        assert.ok(result.redis.kind === "external" && result.mongo.kind === "external");
        assert.deepEqual(await resolve(result.redis.url), { value: "redis://:p@a", secret: true });
        assert.deepEqual(await resolve(result.mongo.url), { value: "mongodb://a:p@b", secret: true });
    });

    it("protects the resources of online that hold data, and no others, unless the file says so", async () => {
        const protectedBy = async (texts: Record<string, string>, secrets: Record<string, string>) => {
            const { protectNamespace, registry, redis, mongo, logs } = (await read({ ...texts, ...secrets }, Object.keys(secrets))).result;
            const all = { namespace: { protect: protectNamespace }, registry, redis, mongo, logs: logs.ship?.to };
            return Object.entries(all).flatMap(([name, what]) => (what && "protect" in what && what.protect ? [name] : []));
        };
        const changed = (file: Record<string, string>, key: string, protect: boolean) => ({
            ...file,
            [key]: JSON.stringify({ ...JSON.parse(String(file[key])), protect }),
        });
        const { protect, ...online } = completed("online");
        assert.equal(protect, "true");
        assert.deepEqual(await protectedBy(online, onlineSecrets), ["namespace", "registry", "redis", "mongo", "logs"]);
        assert.deepEqual(await protectedBy(changed(online, "registry", false), onlineSecrets), ["namespace", "redis", "mongo", "logs"]);
        const none = { ...online, protect: "false" };
        assert.deepEqual(await protectedBy(none, onlineSecrets), []);
        assert.deepEqual(await protectedBy(changed(none, "redis", true), onlineSecrets), ["redis"]);
        assert.deepEqual(await protectedBy(completed("test"), testSecrets), []);
        // Deleting the namespace would also delete a store in it.
        assert.deepEqual(await protectedBy(stackFile("local"), localSecrets), []);
        assert.deepEqual(await protectedBy(changed(stackFile("local"), "mongo", true), localSecrets), ["namespace", "mongo"]);
    });

    it("gives all processes the clients, and the times that they compare", async () => {
        const { result } = await online();
        assert.deepEqual(result.env, {
            ENV: "online",
            MESSAGES_PER_DAY: "100000",
            CLIENTS: '{"shop":{"requestsPerMinute":600,"messagesPerDay":10000}}',
            FORMER_CLIENT: "shop",
            SEND_LEASE_SECONDS: "60",
            SEND_RETRY_MAX_SECONDS: "600",
            VISIBILITY_TIMEOUT_SECONDS: "3600",
        });
    });

    it("supports a registry with one address, with two, without an account, and Alibaba Cloud's", async () => {
        const { result: local } = await read({ ...stackFile("local"), ...localSecrets }, Object.keys(localSecrets));
        const { result: test } = await read({ ...completed("test"), ...testSecrets }, Object.keys(testSecrets));
        const { result: acr } = await online();
        const { registryPassword: _, ...withoutRegistry } = localSecrets;
        const { result: anonymous } = await read(
            {
                ...stackFile("local"),
                ...withoutRegistry,
                registry: '{"kind":"anonymous","server":"push.example.com","pullServer":"pull.example.com"}',
            },
            Object.keys(withoutRegistry),
        );
        const withUser = ({ account, ...registry }: Settings["registry"]) => ({ ...registry, username: account?.username });
        assert.deepEqual(withUser(local.registry), {
            kind: "address",
            push: "127.0.0.1:5000",
            pull: "127.0.0.1:5000",
            repository: "sms",
            username: "sms",
        });
        assert.deepEqual(withUser(test.registry), {
            kind: "address",
            push: "registry.cn-hangzhou.aliyuncs.com",
            pull: "registry-vpc.cn-hangzhou.aliyuncs.com",
            repository: "sms/sms-test",
            username: "sms-robot",
        });
        assert.deepEqual(anonymous.registry, {
            kind: "address",
            push: "push.example.com",
            pull: "pull.example.com",
            repository: "sms",
            account: undefined,
        });
        assert.deepEqual(withUser(acr.registry), {
            kind: "acr",
            instanceId: "cri-1a2b3c",
            instanceName: "my-registry",
            namespace: "sms",
            repository: "sms",
            username: "sms-robot",
            protect: true,
            region: "cn-hangzhou",
        });
    });

    it("returns passwords for stores in the cluster", async () => {
        const { result } = await read({ ...stackFile("local"), ...localSecrets }, Object.keys(localSecrets));
        assert.ok(result.redis.kind === "cluster" && result.mongo.kind === "cluster");
        assert.deepEqual(await resolve(result.redis.password), { value: localSecrets.redisPassword, secret: true });
        assert.deepEqual(await resolve(result.mongo.password), { value: localSecrets.mongoPassword, secret: true });
        assert.deepEqual(await resolve(result.secretEnv), { value: {}, secret: true });
    });

    it("converts secret variables to strings, too", async () => {
        const { result } = await online();
        assert.deepEqual(await resolve(result.secretEnv), {
            value: { ALIYUN_ACCESS_KEY_ID: "LTAI-1", ALIYUN_ACCESS_KEY_SECRET: "12345" },
            secret: true,
        });
    });

    it("detects a secret in plain text in the file", async () => {
        const keys = Object.keys(onlineSecrets).filter((key) => key !== "mongoPassword");
        await assert.rejects(read({ ...completed("online"), ...onlineSecrets }, keys), {
            name: "SettingsError",
            message: /^1 problem in the settings of stack unit .*\n\n {2}sms:mongoPassword is a secret in plain text/,
        });
    });

    it("freezes all settings", async () => {
        const { result } = await online();
        const parts = [
            result,
            result.web,
            result.web.resources.limits,
            result.registry,
            result.redis,
            result.env,
            result.tags,
            result.network.vSwitches,
        ];
        assert.deepEqual(
            parts.map((part) => Object.isFrozen(part)),
            parts.map(() => true),
        );
    });
});
