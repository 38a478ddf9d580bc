/** The one place that reads the stack's configuration. */
import * as pulumi from "@pulumi/pulumi";
import { parse } from "./parse";

export type Settings = ReturnType<typeof readSettings>;

/** What this stack's file says, checked, with defaults and secrets; a SettingsError names everything wrong in it. */
export function readSettings() {
    const config = new pulumi.Config("sms");
    const plain = parse(rawSettings());
    return frozen({
        ...plain,
        registry: { ...plain.registry, password: config.requireSecret("registryPassword") },
        redis:
            plain.redis.kind === "cluster"
                ? { ...plain.redis, password: config.requireSecret("redisPassword") }
                : { ...plain.redis, url: config.requireSecret("redisUrl") },
        mongo:
            plain.mongo.kind === "cluster"
                ? { ...plain.mongo, password: config.requireSecret("mongoPassword") }
                : { ...plain.mongo, url: config.requireSecret("mongoUrl") },
        secretEnv: pulumi.secret(config.getSecretObject<Record<string, string | number | boolean>>("secretEnv") ?? {}).apply(asTexts),
    });
}

function rawSettings() {
    const keys = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith("sms:"));
    return {
        stack: pulumi.getStack(),
        texts: Object.fromEntries(keys.map(([key, text]) => [key.slice("sms:".length), text])),
        encrypted: new Set(
            keys
                .map(([key]) => key)
                .filter(isConfigSecret)
                .map((key) => key.slice("sms:".length)),
        ),
    };
}

/** The SDK has it, though not in its types. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

function asTexts(variables: Record<string, string | number | boolean>): Record<string, string> {
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]));
}

/** Frozen through and through; outputs, which are no plain objects, stay as they are. */
function frozen<T>(value: T): T {
    if (Array.isArray(value) || Object.getPrototypeOf(Object(value)) === Object.prototype) {
        Object.values(value as object).forEach(frozen);
        Object.freeze(value);
    }
    return value;
}
