import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { RawSettings } from "../../settings/raw";

/** The settings in `Pulumi.{stack}.yaml` as the engine hands them over: blocks as JSON, everything else as text. */
export function stackFile(stack: string): RawSettings["texts"] {
    const { config } = parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8")) as { config: Record<string, unknown> };
    return Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith("sms:"))
            .map(([key, value]) => [key.slice("sms:".length), typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

/** What online's owner adds to the file. */
export const onlinePlaces = {
    cluster: JSON.stringify({ context: "online-cluster" }),
    registry: JSON.stringify({ server: "registry.example.com", username: "sms-robot" }),
};

export const onlineSecrets = {
    registryPassword: "registry-secret",
    redisUrl: "redis://sms:p%40ss@redis.example.com:6379/0",
    mongoUrl: "mongodb://sms:p%40ss@mongo.example.com:3717/sms?authSource=admin",
    secretEnv: JSON.stringify({ ALIYUN_ACCESS_KEY_ID: "LTAI-1", ALIYUN_ACCESS_KEY_SECRET: 12345 }),
};

export const localSecrets = {
    registryPassword: "registry-secret",
    redisPassword: "redis p@ss/word",
    mongoPassword: "mongo p@ss/word",
};
