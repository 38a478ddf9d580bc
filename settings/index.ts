/** The one place that reads the stack's configuration. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { addressVariables } from "./address";
import { encrypts } from "./encryptionRules";
import { parse } from "./parse";
import { pemOf } from "./pem";
import { decode, type RawSettings } from "./raw";
import type { PlainSettings } from "./schema";
import { isReading, type Misread, parseStackFile, rawSettings } from "./stackFile";
import { valueAt } from "./valueAt";
import { logDrainSeconds } from "./workloadRules";

export type Settings = ReturnType<typeof readSettings>;

/** What this stack's file says, checked, with defaults and secrets; a SettingsError names everything wrong in it. */
export function readSettings() {
    const config = new pulumi.Config("sms");
    const { alibaba: account, ...plain } = parse(given());
    const { tags, ...alibaba } = { region: "", tags: {}, ...account };
    const { region } = alibaba;
    const protect = plain.protect ?? plain.environment === "online";
    const by = { config, protect, environment: plain.environment };
    const redis = storeOf(plain.redis, "redis", by);
    const mongo = storeOf(plain.mongo, "mongo", by);
    const secretEnv = pulumi.secret(config.getSecretObject<Record<string, string | number | boolean>>("secretEnv") ?? {}).apply(asTexts);
    return frozen({
        ...plain,
        /** Its deletion would take the stores in it along. */
        protectNamespace: protect || [redis, mongo].some((store) => store.kind === "cluster" && store.protect),
        /** The pools of workers, the default one first. `key` is where the file has it. */
        workers: [
            { name: "worker", key: ["worker"], ...plain.worker },
            ...Object.entries(plain.workerPools).map(([name, pool]) => ({ name: `worker-${name}`, key: ["workerPools", name], ...pool })),
        ],
        /** None where nothing is Alibaba Cloud's. */
        alibaba: account && alibaba,
        network: plain.network ?? noNetwork,
        registry: { ...registryOf(plain.registry, { region, protect }), password: config.requireSecret("registryPassword") },
        redis,
        mongo,
        loadBalancer: plain.loadBalancer && { ...plain.loadBalancer, protect: plain.loadBalancer.protect ?? protect },
        storesCa: plain.storesCa && pemOf(plain.storesCa),
        logs: {
            ...plain.logs,
            ship: plain.logs.ship && {
                ...plain.logs.ship,
                drainSeconds: logDrainSeconds,
                to: destinationOf(plain.logs.ship.to, config, { region, protect }),
            },
        },
        networkPolicies: { ...plain.networkPolicies, gateways: gatewaysOf(plain, secretEnv) },
        env: { ENV: plain.environment, ...timesOf(plain.worker), ...plain.env },
        secretEnv,
        /** What the product's things in Alibaba Cloud are called and marked with. */
        instanceName: `sms-${plain.environment}`,
        tags: { product: "sms", environment: plain.environment, ...tags },
    });
}

/** Nothing managed is there to be in one. */
const noNetwork = { kind: "none" as const, vpcId: "", vSwitches: [] };

/** Every process compares them with each other when it starts, so all of them get the same. */
function timesOf({ sendLeaseSeconds, sendRetryMaxSeconds, visibilityTimeoutSeconds }: PlainSettings["worker"]) {
    return {
        SEND_LEASE_SECONDS: `${sendLeaseSeconds}`,
        SEND_RETRY_MAX_SECONDS: `${sendRetryMaxSeconds}`,
        VISIBILITY_TIMEOUT_SECONDS: `${visibilityTimeoutSeconds}`,
    };
}

/** A registry by its address is pushed to and pulled from there, unless nodes know a shorter way. */
function registryOf(registry: PlainSettings["registry"], { region, protect }: { region: string; protect: boolean }) {
    if (registry.kind === "acr") {
        return { ...registry, region, protect: registry.protect ?? protect };
    }
    const { server, pullServer = server, repository, username } = registry;
    return { kind: "address" as const, push: server, pull: pullServer, repository, username };
}

function storeOf<T extends PlainSettings["redis"] | PlainSettings["mongo"]>(
    store: T,
    name: "redis" | "mongo",
    { config, protect, environment }: { config: pulumi.Config; protect: boolean; environment: string },
) {
    type Of<Kind> = Extract<T, { kind: Kind }>;
    switch (store.kind) {
        case "cluster":
            return { ...(store as Of<"cluster">), protect: store.protect ?? protect, password: config.requireSecret(`${name}Password`) };
        case "managed":
            return {
                ...(store as Of<"managed">),
                tls: encrypts(store, environment),
                protect: store.protect ?? protect,
                password: config.requireSecret(`${name}Password`),
            };
        default:
            return { ...(store as Of<"external">), url: config.requireSecret(`${name}Url`) };
    }
}

type LogDestination = NonNullable<PlainSettings["logs"]["ship"]>["to"];

function destinationOf(to: LogDestination, config: pulumi.Config, { region, protect }: { region: string; protect: boolean }) {
    return to.kind === "sls"
        ? { ...to, region, protect: to.protect ?? protect, accessKeySecret: config.requireSecret("logsAccessKeySecret") }
        : { ...to, authorization: config.getSecret("logsAuthorization") };
}

/** Which pools of workers go where to send: one may have a gateway or a proxy of its own. */
function gatewaysOf({ env, worker, workerPools }: PlainSettings, secretEnv: pulumi.Output<Record<string, string>>) {
    const groups = new Map<string, { name: string; workers: string[]; addresses: pulumi.Output<string[]> }>();
    const pools = [["worker", worker] as const, ...Object.entries(workerPools).map(([name, pool]) => [`worker-${name}`, pool] as const)];
    for (const [name, pool] of pools) {
        const plain = addressesIn({ ...env, ...pool.env });
        const key = JSON.stringify(plain);
        const addresses = secretEnv.apply((secret) => Object.values({ ...appGateway, ...addressesIn(secret), ...plain }));
        const group = groups.get(key) ?? { name: groups.size === 0 ? "workers" : name, workers: [], addresses };
        groups.set(key, { ...group, workers: [...group.workers, name] });
    }
    return [...groups.values()];
}

/** The app's own default. */
const appGateway = { ALIYUN_SMS_ENDPOINT: "https://dysmsapi.aliyuncs.com" };

function addressesIn(env: Record<string, string>): Record<string, string> {
    return Object.fromEntries(Object.keys(addressVariables).flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function given(): RawSettings {
    const keys = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith("sms:"));
    const stack = pulumi.getStack();
    const texts = Object.fromEntries(keys.map(([key, text]) => [key.slice("sms:".length), text]));
    return {
        stack,
        texts,
        misread: misreadIn(`Pulumi.${stack}.yaml`, { stack, texts }),
        encrypted: new Set(
            keys
                .map(([key]) => key)
                .filter(isConfigSecret)
                .map((key) => key.slice("sms:".length)),
        ),
    };
}

/**
 * What the file has that the engine read otherwise. The engine doesn't say which file it read (--config-file), but what it read:
 * where that is something else, or where there is no such file, it was another one.
 */
function misreadIn(path: string, { stack, texts }: { stack: string; texts: RawSettings["texts"] }): Misread[] {
    try {
        const { misread = [] } = rawSettings(stack, parseStackFile(readFileSync(path, "utf8")));
        const values = decode(texts);
        return misread.filter((one) => isReading(one, valueAt(values, one.path)));
    } catch {
        return [];
    }
}

/** The SDK has it, though not in its types. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

function asTexts(variables: Record<string, string | number | boolean>): Record<string, string> {
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
}

/** Frozen through and through; outputs, which are no plain objects, stay as they are. */
function frozen<T>(value: T): T {
    if (Array.isArray(value) || (value !== undefined && Object.getPrototypeOf(Object(value)) === Object.prototype)) {
        Object.values(value as object).forEach(frozen);
        Object.freeze(value);
    }
    return value;
}
