import { stackFileAt } from "../../operations/stackFile";
import type { RawSettings } from "../../settings/raw";

/** The settings in `Pulumi.{stack}.yaml` as the engine hands them over: blocks as JSON, everything else as text. */
export function stackFile(stack: string): RawSettings["texts"] {
    return texts(settingsIn(stack));
}

/** The same with what its owner adds to it. */
export function completed(stack: "online" | "test"): RawSettings["texts"] {
    const settings = settingsIn(stack);
    for (const [path, place] of Object.entries(places[stack])) {
        const keys = path.split(".");
        const block = keys.slice(0, -1).reduce((outer, key) => (outer[key] ??= {}), settings);
        block[String(keys.at(-1))] = place;
    }
    return texts(settings);
}

// biome-ignore lint/suspicious/noExplicitAny: a file may hold anything.
type Block = Record<string, any>;

function settingsIn(stack: string): Block {
    const { config } = stackFileAt(`Pulumi.${stack}.yaml`);
    return Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith("sms:"))
            .map(([key, value]) => [key.slice("sms:".length), value]),
    );
}

function texts(settings: Block): RawSettings["texts"] {
    return Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

const network = { "network.vpcId": "vpc-1a2b3c", "network.vSwitches.0.id": "vsw-hhhhhh", "network.vSwitches.1.id": "vsw-iiiiii" };

const places = {
    online: {
        ...network,
        "network.vSwitches.2.id": "vsw-jjjjjj",
        "cluster.id": "c0123456789abcdef",
        "storesCa.file": "operations/placeholderCa.pem",
        "registry.instanceId": "cri-1a2b3c",
        "registry.instanceName": "my-registry",
        "registry.username": "sms-robot",
        "logs.ship.to.project": "my-company-sms",
        "logs.ship.to.accessKeyId": "LTAI-logs",
    },
    test: { ...network, "cluster.context": "test-cluster", "registry.username": "sms-robot" },
};

export const onlineSecrets = {
    registryPassword: "registry-secret",
    redisPassword: "Redis-p@ssw0rd",
    mongoPassword: "Mongo-p@ssw0rd",
    logsAccessKeySecret: "logs-secret",
    secretEnv: JSON.stringify({ ALIYUN_ACCESS_KEY_ID: "LTAI-1", ALIYUN_ACCESS_KEY_SECRET: 12345 }),
};

export const testSecrets = {
    registryPassword: "registry-secret",
    redisPassword: "Redis-p@ssw0rd",
    mongoPassword: "Mongo-p@ssw0rd",
};

export const localSecrets = {
    registryPassword: "registry-secret",
    redisPassword: "redis p@ss/word",
    mongoPassword: "mongo p@ss/word",
};
