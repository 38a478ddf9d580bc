/** Tests single settings, each in a stack that otherwise has only the required ones. */
import assert from "node:assert/strict";
import { parse } from "../../settings/parse";
import { SettingsError } from "../../settings/problems";

/** A stack with only the required settings. */
export const smallest = {
    environment: "online",
    cluster: { context: "online-cluster" },
    registry: { server: "registry.example.com", username: "sms-robot" },
    redis: { kind: "external" },
    mongo: { kind: "external" },
    clients: { shop: {} },
};
export const hash = "a".repeat(64);
export const secrets = {
    registryPassword: "registry-secret",
    redisUrl: "redis://sms:p@redis:6379",
    mongoUrl: "mongodb://sms:p@mongo/sms",
    clientTokens: { shop: hash },
};

export function raw(plain: object, secret: object, encrypted = Object.keys(secret)) {
    const texts = Object.entries({ ...plain, ...secret })
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
    return { stack: "online", texts: Object.fromEntries(texts) as Record<string, string>, encrypted: new Set(encrypted) };
}

export function settingsOf(plain: object = {}, secret: object = {}) {
    return parse(raw({ ...smallest, ...plain }, { ...secrets, ...secret }));
}

/** The problems of the smallest stack with these changes, each as one line: `key message | fix`. */
export function problemsOf(plain: object, secret: object = {}, encrypted?: string[]): string[] {
    try {
        parse(raw({ ...smallest, ...plain }, { ...secrets, ...secret }, encrypted));
    } catch (error) {
        assert.ok(error instanceof SettingsError, String(error));
        return error.problems.map(({ key, message, fix }) => `${key} ${message} | ${fix}`);
    }
    return [];
}
