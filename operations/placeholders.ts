import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { parse } from "../settings/parse";
import type { Problem } from "../settings/problems";
import { decode, isSecret } from "../settings/raw";
import type { PlainSettings } from "../settings/schema";
import { hasEncrypted, isEncrypted, rawSettings, type StackFile } from "../settings/stackFile";
import { isMissing, problemsIn } from "./stackFile";

/** Placeholder values by key, such as `sms:registry.server`. */
export type Placeholders = Readonly<Record<string, unknown>>;

/** A stack file that a preview can run without the stack's passphrase. */
export interface Completed {
    /** The settings without secrets. Placeholders replace missing settings. */
    readonly config: Record<string, unknown>;
    /** Placeholders for secrets, by key. The preview encrypts them. */
    readonly secrets: Readonly<Record<string, string>>;
    /** The settings that the file doesn't have yet. */
    readonly missing: readonly Problem[];
    /** Encrypted values that placeholders replace, each with a digest of its ciphertext. */
    readonly sealed: Readonly<Record<string, string>>;
    /** All other problems of the file. No placeholder solves them. */
    readonly problems: readonly Problem[];
}

export function readPlaceholders(): Placeholders {
    return parseYaml(readFileSync(join(__dirname, "placeholders.yaml"), "utf8")) as Placeholders;
}

export function complete(stack: string, { config: given, misread }: StackFile, placeholders: Placeholders): Completed {
    const sealed: Record<string, string> = {};
    const secrets: Record<string, string> = {};
    const config = Object.fromEntries(Object.entries(structuredClone(given)).map(([key, value]) => [key, asBlock(key, value)]));
    for (const [key, value] of Object.entries(config).filter(([, value]) => hasEncrypted(value))) {
        delete config[key];
        for (const [path, encrypted] of encryptedPaths(key, value)) {
            sealed[path] = createHash("sha256").update(JSON.stringify(encrypted)).digest("hex");
            // The whole block is encrypted, so its variables' names are unknown here.
            secrets[path === "sms:secretEnv" ? `${path}.PLACEHOLDER` : path] = String(
                placeholderFor(path, placeholders) ?? placeholders.secret,
            );
        }
        const rest = withoutEncrypted(value);
        if (rest !== undefined) {
            config[key] = rest;
        }
    }
    const missing: Problem[] = [];
    for (;;) {
        const problems = problemsIn(asRead(stack, { config, misread }, secrets));
        const gaps = problems.filter((problem) => isMissing(problem) && placeholderFor(problem.key, placeholders) !== undefined);
        // After the first placeholders, the file may need more settings. If a placeholder is invalid, that is a problem.
        const filled = new Set(missing.map(({ key }) => key));
        const fresh = gaps.filter(({ key }) => !filled.has(key));
        if (fresh.length === 0) {
            return { config, secrets, missing, sealed, problems };
        }
        for (const gap of fresh) {
            missing.push(gap);
            const path = pathOf(gap.key);
            if (isSecret(path[0]?.slice("sms:".length))) {
                secrets[gap.key] = String(placeholderFor(gap.key, placeholders));
            } else {
                setAt(config, path, placeholderFor(gap.key, placeholders));
            }
        }
    }
}

/** The settings of a completed file, with their defaults. A SettingsError names what is wrong. */
export function settingsOf(stack: string, { config, secrets }: Completed): PlainSettings {
    return parse(asRead(stack, { config }, { ...secrets }));
}

function placeholderFor(key: string, placeholders: Placeholders): unknown {
    return placeholders[key] ?? placeholders[key.replace(/^(sms:clientTokens)\..+$/, "$1.NAME")];
}

/** Parses a block that the file has as JSON text, as `pulumi config set sms:web '{"replicas": 3}'` writes it. */
function asBlock(key: string, value: unknown): unknown {
    const name = key.replace(/^sms:/, "");
    const read = typeof value === "string" ? decode({ [name]: value })[name] : value;
    return typeof read === "object" ? read : value;
}

/** The settings as the program will read them, including secrets. */
function asRead(stack: string, { config, misread }: StackFile, secrets: Record<string, string>) {
    const all: Record<string, unknown> = structuredClone(config);
    for (const [key, value] of Object.entries(secrets)) {
        setAt(all, pathOf(key), value);
    }
    const raw = rawSettings(stack, { config: all, misread });
    return { ...raw, encrypted: new Set(Object.keys(secrets).map((key) => String(pathOf(key)[0]).slice("sms:".length))) };
}

/** Splits a key such as `sms:network.vSwitches[0].id` into its parts. */
function pathOf(key: string): string[] {
    return key.match(/[^.[\]]+/g) ?? [];
}

function encryptedPaths(path: string, value: unknown): [string, unknown][] {
    if (isEncrypted(value)) {
        return [[path, value]];
    }
    return typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, inner]) => encryptedPaths(`${path}.${key}`, inner))
        : [];
}

function withoutEncrypted(value: unknown): unknown {
    if (isEncrypted(value)) {
        return undefined;
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return value;
    }
    const kept = Object.entries(value)
        .map(([key, inner]) => [key, withoutEncrypted(inner)])
        .filter(([, inner]) => inner !== undefined);
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function setAt(object: Record<string, unknown>, [key = "", ...rest]: readonly string[], value: unknown): void {
    if (rest.length === 0) {
        object[key] = value;
        return;
    }
    const inner = object[key];
    const block = typeof inner === "object" && inner !== null ? inner : {};
    object[key] = block;
    setAt(block as Record<string, unknown>, rest, value);
}
