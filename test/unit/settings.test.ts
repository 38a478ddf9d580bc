import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { readSettings } from "../../settings";
import { parse } from "../../settings/parse";
import { SettingsError } from "../../settings/problems";
import { amount } from "../../settings/quantity";
import { scalarKeys } from "../../settings/schema";
import { deploy, resolve } from "./deployed";
import { localSecrets, onlinePlaces, onlineSecrets, stackFile } from "./stackFile";

/** A stack that says no more than it must. */
const smallest = {
    environment: "online",
    cluster: { context: "online-cluster" },
    registry: { server: "registry.example.com", username: "sms-robot" },
    redis: { kind: "external" },
    mongo: { kind: "external" },
};
const secrets = { registryPassword: "registry-secret", redisUrl: "redis://sms:p@redis:6379", mongoUrl: "mongodb://sms:p@mongo/sms" };
const inCluster = { kind: "cluster", image: "redis:7.0" };

function raw(plain: object, secret: object, encrypted = Object.keys(secret)) {
    const texts = Object.entries({ ...plain, ...secret })
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
    return { stack: "online", texts: Object.fromEntries(texts) as Record<string, string>, encrypted: new Set(encrypted) };
}

function settingsOf(plain: object = {}, secret: object = {}) {
    return parse(raw({ ...smallest, ...plain }, { ...secrets, ...secret }));
}

/** Every problem as one line, `key message | fix`, of a stack that differs from the smallest one. */
function problemsOf(plain: object, secret: object = {}, encrypted?: string[]): string[] {
    try {
        parse(raw({ ...smallest, ...plain }, { ...secrets, ...secret }, encrypted));
    } catch (error) {
        assert.ok(error instanceof SettingsError, String(error));
        return error.problems.map(({ key, message, fix }) => `${key} ${message} | ${fix}`);
    }
    return [];
}

describe("settings", () => {
    it("have the origin's numbers where the file says nothing", () => {
        const { web, worker, beat, namespace, registry, image, logs } = settingsOf();
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
            workers: 2,
            threads: 16,
            preStopSeconds: 10,
            gracefulTimeoutSeconds: 30,
        });
        assert.deepEqual(worker, { ...replicated, concurrency: 16, sendLeaseSeconds: 60 });
        assert.deepEqual(beat, { revisionHistoryLimit: 5, gracePeriodSeconds: 30, rolloutTimeoutSeconds: 300, resources, env: {} });
        assert.equal(namespace, "sms");
        assert.equal(registry.repository, "sms");
        assert.deepEqual(image, { baseImage: "python:3.11-slim-bookworm", platform: "linux/amd64", buildArgs: {} });
        assert.deepEqual(logs, { sizeLimit: "1Gi" });
    });

    it("give a store in the cluster its volume and resources", () => {
        const { redis } = settingsOf({ redis: inCluster }, { redisUrl: undefined, redisPassword: "twelve chars" });
        assert.deepEqual(redis, {
            ...inCluster,
            storage: "1Gi",
            resources: { requests: { cpu: "0.1", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } },
        });
    });

    it("make strings of numbers and booleans for the pods", () => {
        const { env, web } = settingsOf({
            env: { C_FORCE_ROOT: true, SEND_MAX_ATTEMPTS: 6 },
            web: { env: { RATIO: 0.5, OFF: false, NAME: "x" } },
        });
        assert.deepEqual(env, { C_FORCE_ROOT: "true", SEND_MAX_ATTEMPTS: "6" });
        assert.deepEqual(web.env, { RATIO: "0.5", OFF: "false", NAME: "x" });
    });

    it("keep what is 0 or empty as it is given", () => {
        const { web, env } = settingsOf({
            web: { minReadySeconds: 0, preStopSeconds: 0, revisionHistoryLimit: 0 },
            env: { EMPTY: "", ZERO: 0 },
        });
        assert.deepEqual([web.minReadySeconds, web.preStopSeconds, web.revisionHistoryLimit], [0, 0, 0]);
        assert.deepEqual(env, { EMPTY: "", ZERO: "0" });
    });

    it("take a cpu that YAML made a number of", () => {
        assert.equal(settingsOf({ beat: { resources: { requests: { cpu: 0.5 }, limits: { cpu: 2 } } } }).beat.resources.limits.cpu, "2");
    });

    it("never hold a secret's text", () => {
        assert.doesNotMatch(JSON.stringify(settingsOf({}, { secretEnv: { API_KEY: "hunter2" } })), /registry-secret|:p@|hunter2/);
    });

    const set = (path: string, value: string | number) => `pulumi config set --path '${path}' ${value} --stack online`;
    const remove = (path: string) => `pulumi config rm --path '${path}' --stack online`;
    const number = (min: number, max: number) => `allowed: a whole number from ${min} to ${max}, without quotes`;
    const quantity = (example: string) => `allowed: a Kubernetes quantity above zero such as ${example}`;
    const share = "allowed: a whole number of pods from 0 to 100, or a percentage such as 25%";
    const label = "allowed: a name of lower-case letters, digits and -, 63 characters at most";
    const imageName = (example: string) => `allowed: an image with a tag other than latest, or with a digest, such as ${example}`;
    const variableName = "allowed: a name of letters, digits and _ that doesn't start with a digit";
    const credentialName = "has a value (not shown); allowed: no name of a credential; sms:secretEnv is the place for it, encrypted";
    const password =
        "has a value (not shown); allowed: 12 or more characters, no line break or other control character, no space at either end";
    const reachable = "with an address that the pods can reach (in a pod, localhost and 127.0.0.1 are the pod itself)";

    const refused: [what: string, plain: object, problem: string, secret?: object][] = [
        [
            "an unknown environment",
            { environment: "prod" },
            'sms:environment is "prod"; allowed: online or test or local | pulumi config set sms:environment online --stack online',
        ],
        [
            "no environment",
            { environment: undefined },
            "sms:environment is missing; allowed: online or test or local | pulumi config set sms:environment online --stack online",
        ],
        [
            "a namespace with capitals",
            { namespace: "SMS" },
            `sms:namespace is "SMS"; ${label} | pulumi config set sms:namespace sms --stack online`,
        ],
        [
            "a namespace of 64 characters",
            { namespace: "a".repeat(64) },
            `sms:namespace is "${"a".repeat(59)}…; ${label} | pulumi config set sms:namespace sms --stack online`,
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
            `sms:registry.server is "https://registry.example.com"; allowed: a host with an optional port: no https://, no path | ${set("sms:registry.server", "registry.cn-hangzhou.aliyuncs.com")}`,
        ],
        [
            "a registry with a path",
            { registry: { server: "registry.example.com/team", username: "a" } },
            `sms:registry.server is "registry.example.com/team"; allowed: a host with an optional port: no https://, no path | ${set("sms:registry.server", "registry.cn-hangzhou.aliyuncs.com")}`,
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
            "a registry in one line",
            { registry: "registry.example.com" },
            'sms:registry is "registry.example.com"; allowed: a block with the keys server, repository, username | write it as a block: sms:registry: with its keys indented below',
        ],
        [
            "a list for a block",
            { web: [] },
            "sms:web is []; allowed: a block with the keys revisionHistoryLimit, rolloutTimeoutSeconds, resources, env, replicas, minReadySeconds, gracePeriodSeconds, rollout, nodePort, workers, threads, preStopSeconds, gracefulTimeoutSeconds | write it as a block: sms:web: with its keys indented below",
        ],
        [
            "an empty block",
            { beat: null },
            "sms:beat is null; allowed: a block with the keys revisionHistoryLimit, rolloutTimeoutSeconds, resources, env, gracePeriodSeconds, replicas | write it as a block: sms:beat: with its keys indented below",
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
            `sms:redis.kind is missing; allowed: cluster or external | ${set("sms:redis.kind", "cluster")}`,
            { redisUrl: undefined },
        ],
        [
            "an unknown kind of store",
            { mongo: { kind: "managed" } },
            `sms:mongo.kind is "managed"; allowed: cluster or external | ${set("sms:mongo.kind", "cluster")}`,
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
            `sms:redis.storage is "big"; ${quantity("1Gi")} | ${set("sms:redis.storage", "1Gi")}`,
            { redisUrl: undefined, redisPassword: "twelve chars" },
        ],
        [
            "logs of no size",
            { logs: { sizeLimit: "0" } },
            `sms:logs.sizeLimit is "0"; ${quantity("1Gi")} | ${set("sms:logs.sizeLimit", "1Gi")}`,
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
            `sms:beat.replicas is 2; allowed: left out: there is exactly one beat, as a second one would send every periodic task twice | ${remove("sms:beat.replicas")}`,
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
            `sms:worker.rollout.maxSurge is "0%"; allowed: above 0 while maxUnavailable is 0: with neither, a rollout can't take its first step | ${set("sms:worker.rollout.maxSurge", "25%")}`,
        ],
        [
            "a grace period that cuts off requests",
            { web: { gracePeriodSeconds: 40 } },
            `sms:web.gracePeriodSeconds is 40; allowed: above 40, which is preStopSeconds + gracefulTimeoutSeconds: or running requests are cut off | ${set("sms:web.gracePeriodSeconds", 50)}`,
        ],
        [
            "a grace period that cuts off tasks",
            { worker: { gracePeriodSeconds: 70 } },
            `sms:worker.gracePeriodSeconds is 70; allowed: above 70, which is sendLeaseSeconds + 10: or running tasks are cut off | ${set("sms:worker.gracePeriodSeconds", 80)}`,
        ],
        [
            "a rollout deadline before a pod counts",
            { web: { minReadySeconds: 300 } },
            `sms:web.rolloutTimeoutSeconds is 300 by default; allowed: above 300, which is minReadySeconds: or no rollout ends in time | ${set("sms:web.rolloutTimeoutSeconds", 600)}`,
        ],
        [
            "a quantity in words",
            { web: { resources: { limits: { memory: "800MB" } } } },
            `sms:web.resources.limits.memory is "800MB"; ${quantity("800Mi")} | ${set("sms:web.resources.limits.memory", "800Mi")}`,
        ],
        [
            "a negative quantity",
            { beat: { resources: { requests: { cpu: -1 } } } },
            `sms:beat.resources.requests.cpu is -1; ${quantity("0.1")} | ${set("sms:beat.resources.requests.cpu", "0.1")}`,
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
            `sms:env.PROXY has a value (not shown); allowed: no address with a password in it; sms:secretEnv is the place for it, encrypted | ${remove("sms:env.PROXY")} && pulumi config set --secret --path 'sms:secretEnv.PROXY' --stack online`,
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
            `sms:redisUrl has a value (not shown); allowed: redis:// or rediss:// URL, ${reachable} | pulumi config set --secret sms:redisUrl --stack online`,
            { redisUrl: "http://redis:6379" },
        ],
        [
            "a Redis at localhost",
            {},
            `sms:redisUrl has a value (not shown); allowed: redis:// or rediss:// URL, ${reachable} | pulumi config set --secret sms:redisUrl --stack online`,
            { redisUrl: "redis://:p@localhost:6379/0" },
        ],
        [
            "a MongoDB at 127.0.0.1",
            {},
            `sms:mongoUrl has a value (not shown); allowed: mongodb:// URL, ${reachable} | pulumi config set --secret sms:mongoUrl --stack online`,
            { mongoUrl: "mongodb://sms:p@mongo-1,127.0.0.1:27017/sms" },
        ],
    ];

    for (const [what, plain, problem, secret] of refused) {
        it(`refuse ${what}`, () => {
            assert.deepEqual(problemsOf(plain, secret), [problem]);
        });
    }

    it("refuse a secret in plain text", () => {
        assert.deepEqual(problemsOf({}, {}, ["registryPassword", "mongoUrl"]), [
            "sms:redisUrl is a secret in plain text; allowed: encrypted only. If the file was ever shared, change the secret itself too | pulumi config set --secret sms:redisUrl --stack online",
        ]);
    });

    it("don't show a secret in plain text, whatever else is wrong with it", () => {
        const problems = problemsOf({}, { redisUrl: "hunter2" }, ["registryPassword", "mongoUrl"]);
        assert.equal(problems.length, 2);
        assert.doesNotMatch(problems.join(), /hunter2/);
    });

    it("refuse secret variables in plain text", () => {
        assert.deepEqual(problemsOf({}, { secretEnv: { API_KEY: "hunter2" } }, Object.keys(secrets)), [
            "sms:secretEnv is a secret in plain text; allowed: encrypted only. If the file was ever shared, change the secret itself too | pulumi config rm sms:secretEnv --stack online && pulumi config set --secret --path 'sms:secretEnv.NAME' --stack online",
        ]);
    });

    it("refuse an encrypted value where it would not stay secret, and don't show its block", () => {
        assert.deepEqual(problemsOf({ env: { NAME: "hunter2", OTHER: null } }, {}, [...Object.keys(secrets), "env"]), [
            `sms:env.OTHER has a value (not shown); allowed: a text, a number, true or false | ${set("sms:env.OTHER", "true")}`,
            "sms:env holds an encrypted value, which would not stay secret here; allowed: plain values. Secret variables go into sms:secretEnv | pulumi config rm sms:env --stack online",
        ]);
    });

    it("name everything at once, and what to do", () => {
        assert.throws(() => parse({ stack: "new", texts: { web: '{"replicas":0,"nodePort":1}' }, encrypted: new Set() }), {
            name: "SettingsError",
            message: [
                "9 problems in the settings of stack new (Pulumi.new.yaml):",
                "",
                "  sms:environment is missing; allowed: online or test or local",
                "      pulumi config set sms:environment online --stack new",
                "",
                "  sms:cluster.context is missing; allowed: the name of a context in the kubeconfig (kubectl config get-contexts)",
                "      pulumi config set --path 'sms:cluster.context' my-cluster --stack new",
                "",
                "  sms:registry.server is missing; allowed: a host with an optional port: no https://, no path",
                "      pulumi config set --path 'sms:registry.server' registry.cn-hangzhou.aliyuncs.com --stack new",
                "",
                "  sms:registry.username is missing; allowed: the account's name, without spaces",
                "      pulumi config set --path 'sms:registry.username' sms --stack new",
                "",
                "  sms:redis.kind is missing; allowed: cluster or external",
                "      pulumi config set --path 'sms:redis.kind' cluster --stack new",
                "",
                "  sms:mongo.kind is missing; allowed: cluster or external",
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
            ].join("\n"),
        });
    });

    it("are refused without a stack trace: Pulumi shows such an error's message alone", () => {
        assert.ok(pulumi.RunError.isInstance(new SettingsError("online", [])));
    });

    it("survive whatever a file holds: accepted, or refused by keys of the file or by those missing", () => {
        const keys = ["environment", "namespace", "cluster", "registry", "image", "redis", "mongo", "logs", "env", "web", "worker", "beat"];
        const secretKeys = ["registryPassword", "redisPassword", "redisUrl", "mongoPassword", "mongoUrl", "secretEnv"];
        const inner = [
            "kind",
            "replicas",
            "resources",
            "requests",
            "cpu",
            "env",
            "rollout",
            "maxSurge",
            "buildArgs",
            "__proto__",
            "toString",
        ];
        const json = fc.letrec<{ value: unknown; block: unknown }>((tie) => ({
            value: fc.oneof({ depthSize: "medium" }, fc.jsonValue(), fc.string({ unit: "binary" }), fc.double(), tie("block")),
            block: fc.dictionary(fc.oneof(fc.constantFrom(...inner), fc.string({ unit: "binary" })), tie("value"), { maxKeys: 5 }),
        })).value;
        const texts = fc.dictionary(
            fc.oneof(fc.constantFrom(...keys, ...secretKeys), fc.string({ unit: "binary" })),
            fc.oneof(
                fc.string({ unit: "binary" }),
                json.map((value) => JSON.stringify(value) ?? "null"),
            ),
        );
        fc.assert(
            fc.property(texts, fc.subarray([...keys, ...secretKeys]), (texts, encrypted) => {
                try {
                    parse({ stack: "online", texts, encrypted: new Set(encrypted) });
                } catch (error) {
                    assert.ok(error instanceof SettingsError, String((error as Error).stack));
                    assert.ok(error.problems.length > 0);
                    for (const { key } of error.problems) {
                        const first = /^sms:([^.[]*)/.exec(key)?.[1] ?? "";
                        const isKnown =
                            [...keys, ...secretKeys].includes(first) || Object.keys(texts).some((given) => key.startsWith(`sms:${given}`));
                        assert.ok(isKnown, key);
                    }
                }
            }),
            { numRuns: 500 },
        );
    });

    it("know as scalars exactly the keys that aren't blocks", () => {
        const blocks = ["cluster", "registry", "image", "redis", "mongo", "logs", "env", "web", "worker", "beat"];
        for (const key of blocks) {
            assert.ok(!scalarKeys.includes(key), key);
        }
        assert.equal(settingsOf({}, { registryPassword: "12345678" }).environment, "online");
        assert.deepEqual(problemsOf({}, { registryPassword: "{}" }), []);
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

describe("the stack files", () => {
    it("local needs nothing but its secrets", () => {
        const settings = parse(raw(stackFile("local"), localSecrets));
        assert.deepEqual([settings.environment, settings.web.replicas, settings.worker.replicas], ["local", 2, 1]);
    });

    it("online says what is still to be set, and needs no more than that", () => {
        assert.throws(
            () => parse(raw(stackFile("online"), {})),
            ({ problems }: SettingsError) => {
                assert.deepEqual(
                    problems.map(({ key }) => key),
                    [
                        "sms:cluster.context",
                        "sms:registry.server",
                        "sms:registry.username",
                        "sms:registryPassword",
                        "sms:redisUrl",
                        "sms:mongoUrl",
                    ],
                );
                return true;
            },
        );
        const settings = parse(raw({ ...stackFile("online"), ...onlinePlaces }, onlineSecrets));
        assert.deepEqual([settings.environment, settings.web.replicas, settings.worker.replicas], ["online", 6, 6]);
    });

    it("test needs its place and its secrets", () => {
        assert.equal(parse(raw({ ...stackFile("test"), ...onlinePlaces }, localSecrets)).environment, "test");
    });
});

describe("the reader of the configuration", () => {
    async function read(texts: Record<string, string>, secretKeys: string[]) {
        const prefixed = Object.fromEntries(Object.entries(texts).map(([key, text]) => [`sms:${key}`, text]));
        return deploy(() => {
            pulumi.runtime.setAllConfig(
                { ...prefixed, "pulumi:disable-default-providers": "[]", "other:key": "x" },
                secretKeys.map((key) => `sms:${key}`),
            );
            return readSettings();
        });
    }
    const online = () => read({ ...stackFile("online"), ...onlinePlaces, ...onlineSecrets }, Object.keys(onlineSecrets));

    it("gives credentials as secrets", async () => {
        const { result } = await online();
        assert.deepEqual(await resolve(result.registry.password), { value: "registry-secret", secret: true });
        assert.ok(result.redis.kind === "external" && result.mongo.kind === "external");
        assert.deepEqual(await resolve(result.redis.url), { value: onlineSecrets.redisUrl, secret: true });
        assert.deepEqual(await resolve(result.mongo.url), { value: onlineSecrets.mongoUrl, secret: true });
    });

    it("gives passwords to stores in the cluster", async () => {
        const { result } = await read({ ...stackFile("local"), ...localSecrets }, Object.keys(localSecrets));
        assert.ok(result.redis.kind === "cluster" && result.mongo.kind === "cluster");
        assert.deepEqual(await resolve(result.redis.password), { value: localSecrets.redisPassword, secret: true });
        assert.deepEqual(await resolve(result.mongo.password), { value: localSecrets.mongoPassword, secret: true });
        assert.deepEqual(await resolve(result.secretEnv), { value: {}, secret: true });
    });

    it("makes strings of secret variables too", async () => {
        const { result } = await online();
        assert.deepEqual(await resolve(result.secretEnv), {
            value: { ALIYUN_ACCESS_KEY_ID: "LTAI-1", ALIYUN_ACCESS_KEY_SECRET: "12345" },
            secret: true,
        });
    });

    it("notices a secret that the file holds in plain text", async () => {
        await assert.rejects(
            read({ ...stackFile("online"), ...onlinePlaces, ...onlineSecrets }, ["registryPassword", "redisUrl", "secretEnv"]),
            {
                name: "SettingsError",
                message: /^1 problem in the settings of stack unit .*\n\n {2}sms:mongoUrl is a secret in plain text/,
            },
        );
    });

    it("freezes all of it", async () => {
        const { result } = await online();
        const parts = [result, result.web, result.web.resources.limits, result.registry, result.redis, result.env, result.image.buildArgs];
        assert.deepEqual(
            parts.map((part) => Object.isFrozen(part)),
            parts.map(() => true),
        );
    });
});
