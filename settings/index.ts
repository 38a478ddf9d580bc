/** Reads the stack's configuration. No other module does. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { addressVariables } from "./address";
import { hashesIn } from "./clients";
import { encrypts } from "./encryptionRules";
import { parse } from "./parse";
import { pemOf } from "./pem";
import { type Placement, placedBy } from "./placement";
import { type Environment, isProduction } from "./production";
import { decode, type Misread, type RawSettings } from "./raw";
import type { PlainSettings } from "./schema";
import { isReading, parseStackFile, rawSettings } from "./stackFile";
import { valueAt } from "./valueAt";
import { logDrainSeconds } from "./workloadRules";

export type Settings = ReturnType<typeof readSettings>;

/** The settings from this stack's file, checked, with defaults and secrets. Throws a SettingsError that names all faults. */
export function readSettings() {
    const config = new pulumi.Config("sms");
    const { alibaba: account, ...plain } = parse(given());
    const { tags, ...alibaba } = { region: "", tags: {}, ...account };
    const { region } = alibaba;
    const production = isProduction(plain);
    const protect = plain.protect ?? production;
    const by = { config, protect, where: { environment: plain.environment, production }, placement: plain.placement };
    const redis = storeOf(plain.redis, "redis", by);
    const mongo = storeOf(plain.mongo, "mongo", by);
    const secretEnv = pulumi.secret(config.getSecretObject<Record<string, string | number | boolean>>("secretEnv") ?? {}).apply(asTexts);
    return frozen({
        ...plain,
        production,
        /** If the namespace is deleted, the stores in it are deleted too. */
        protectNamespace: protect || [redis, mongo].some((store) => store.kind === "cluster" && store.protect),
        /** The pools of workers, the default pool first. `key` is the pool's path in the file. */
        workers: [
            { name: "worker", key: ["worker"], ...plain.worker },
            ...Object.entries(plain.workerPools).map(([name, pool]) => ({ name: `worker-${name}`, key: ["workerPools", name], ...pool })),
        ].map((pool) => placedBy(plain.placement, pool)),
        web: placedBy(plain.placement, plain.web),
        beat: placedBy(plain.placement, plain.beat),
        /** Undefined if the stack has nothing in Alibaba Cloud. */
        alibaba: account && alibaba,
        network: plain.network ?? noNetwork,
        registry: registryOf(plain.registry, { config, region, protect }),
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
        env: { ENV: plain.environment, ...doorOf(plain), ...timesOf(plain.worker), ...plain.env },
        /** The hashes of each client's tokens. */
        clientTokens: pulumi.secret(config.getSecretObject<Record<string, string>>("clientTokens") ?? {}).apply(hashesOf),
        secretEnv,
        /** The name of the product's resources in Alibaba Cloud. Their tags follow. */
        instanceName: `${plain.name}-${plain.environment}`,
        tags: { product: plain.name, environment: plain.environment, ...tags },
    });
}

/** For a stack without managed stores. */
const noNetwork = { kind: "none" as const, vpcId: "", vSwitches: [] };

/** The variables that tell the app who may send. The hashes of the tokens come through a Secret. */
function doorOf({ clients, openToAnybody, formerClient, messagesPerDay }: PlainSettings): Record<string, string> {
    return {
        MESSAGES_PER_DAY: `${messagesPerDay}`,
        ...(openToAnybody ? { OPEN_TO_ANYBODY: "true" } : { CLIENTS: JSON.stringify(clients) }),
        ...(formerClient === undefined ? {} : { FORMER_CLIENT: formerClient }),
    };
}

function hashesOf(tokens: Record<string, string>): Record<string, string[]> {
    return Object.fromEntries(Object.entries(tokens).map(([client, hashes]) => [client, hashesIn(hashes)]));
}

/** Every process compares these values when it starts, so all processes get the same ones. */
function timesOf({ sendLeaseSeconds, sendRetryMaxSeconds, visibilityTimeoutSeconds }: PlainSettings["worker"]) {
    return {
        SEND_LEASE_SECONDS: `${sendLeaseSeconds}`,
        SEND_RETRY_MAX_SECONDS: `${sendRetryMaxSeconds}`,
        VISIBILITY_TIMEOUT_SECONDS: `${visibilityTimeoutSeconds}`,
    };
}

/** A registry by its address has one host for push and pull, unless the nodes pull from another host. */
function registryOf(
    registry: PlainSettings["registry"],
    { config, region, protect }: { config: pulumi.Config; region: string; protect: boolean },
) {
    const accountOf = (username: string) => ({ username, password: config.requireSecret("registryPassword") });
    if (registry.kind === "acr") {
        const { username, ...acr } = registry;
        return { ...acr, region, protect: registry.protect ?? protect, account: accountOf(username) };
    }
    const { server, pullServer = server, repository } = registry;
    const account = registry.kind === "anonymous" ? undefined : accountOf(registry.username);
    return { kind: "address" as const, push: server, pull: pullServer, repository, account };
}

function storeOf<T extends PlainSettings["redis"] | PlainSettings["mongo"]>(
    store: T,
    name: "redis" | "mongo",
    { config, protect, where, placement }: { config: pulumi.Config; protect: boolean; where: Environment; placement?: Placement },
) {
    type Of<Kind> = Extract<T, { kind: Kind }>;
    switch (store.kind) {
        case "cluster":
            return {
                ...placedBy(placement, store as Of<"cluster">),
                protect: store.protect ?? protect,
                password: config.requireSecret(`${name}Password`),
            };
        case "managed":
            return {
                ...(store as Of<"managed">),
                tls: encrypts(store, where),
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

/** The addresses to which the pools of workers send. A pool may have its own gateway or proxy. */
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
 * The values in the file that the engine read differently. The engine doesn't tell which file it read (--config-file), only the values. If
 * the values differ from the file, or if there is no such file, the engine read another file.
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

/** The SDK has this function, but not in its types. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

function asTexts(variables: Record<string, string | number | boolean>): Record<string, string> {
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
}

/** Freezes plain objects and lists at all levels. Outputs aren't plain objects, so they stay as they are. */
function frozen<T>(value: T): T {
    if (Array.isArray(value) || (value !== undefined && Object.getPrototypeOf(Object(value)) === Object.prototype)) {
        Object.values(value as object).forEach(frozen);
        Object.freeze(value);
    }
    return value;
}
