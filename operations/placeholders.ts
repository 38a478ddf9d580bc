import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import type { Problem } from "../settings/problems";
import { decode, isSecret } from "../settings/raw";
import { hasEncrypted, isEncrypted, rawSettings, type StackFile } from "../settings/stackFile";
import { isMissing, problemsIn } from "./stackFile";

/** By key as one writes it, `sms:registry.server`. */
export type Placeholders = Readonly<Record<string, unknown>>;

/** A stack file that a preview can run without the stack's passphrase. */
export interface Completed {
    /** With placeholders for what is missing. No secrets: those are below. */
    readonly config: Record<string, unknown>;
    /** Placeholders too, by key, to be encrypted for the preview. */
    readonly secrets: Readonly<Record<string, string>>;
    /** What the file doesn't say yet. */
    readonly missing: readonly Problem[];
    /** Encrypted values that placeholders stand in for. */
    readonly sealed: readonly string[];
    /** What else is wrong; nothing stands in for that. */
    readonly problems: readonly Problem[];
}

export function readPlaceholders(): Placeholders {
    return parseYaml(readFileSync(join(__dirname, "placeholders.yaml"), "utf8")) as Placeholders;
}

export function complete(stack: string, { config: given, misread }: StackFile, placeholders: Placeholders): Completed {
    const sealed: string[] = [];
    const secrets: Record<string, string> = {};
    const config = Object.fromEntries(Object.entries(structuredClone(given)).map(([key, value]) => [key, asBlock(key, value)]));
    for (const [key, value] of Object.entries(config).filter(([, value]) => hasEncrypted(value))) {
        delete config[key];
        for (const path of encryptedPaths(key, value)) {
            sealed.push(path);
            // Encrypted as a whole, it has names that nobody knows here.
            secrets[path === "sms:secretEnv" ? `${path}.PLACEHOLDER` : path] = String(placeholders[path] ?? placeholders.secret);
        }
        const rest = withoutEncrypted(value);
        if (rest !== undefined) {
            config[key] = rest;
        }
    }
    const missing: Problem[] = [];
    for (;;) {
        const problems = problemsIn(asRead(stack, { config, misread }, secrets));
        const gaps = problems.filter((problem) => isMissing(problem) && placeholders[problem.key] !== undefined);
        // A file may ask for more once the first gaps are filled; a placeholder that doesn't fill its gap is a problem.
        const filled = new Set(missing.map(({ key }) => key));
        const fresh = gaps.filter(({ key }) => !filled.has(key));
        if (fresh.length === 0) {
            return { config, secrets, missing, sealed, problems };
        }
        for (const gap of fresh) {
            missing.push(gap);
            const path = pathOf(gap.key);
            if (isSecret(path[0]?.slice("sms:".length))) {
                secrets[gap.key] = String(placeholders[gap.key]);
            } else {
                setAt(config, path, placeholders[gap.key]);
            }
        }
    }
}

/** A block may stand there in one text, as `pulumi config set sms:web '{"replicas": 3}'` leaves it. */
function asBlock(key: string, value: unknown): unknown {
    const name = key.replace(/^sms:/, "");
    const read = typeof value === "string" ? decode({ [name]: value })[name] : value;
    return typeof read === "object" ? read : value;
}

/** The settings as the program will see them, secrets included. */
function asRead(stack: string, { config, misread }: StackFile, secrets: Record<string, string>) {
    const all: Record<string, unknown> = structuredClone(config);
    for (const [key, value] of Object.entries(secrets)) {
        setAt(all, pathOf(key), value);
    }
    const raw = rawSettings(stack, { config: all, misread });
    return { ...raw, encrypted: new Set(Object.keys(secrets).map((key) => String(pathOf(key)[0]).slice("sms:".length))) };
}

/** `sms:network.vSwitches[0].id` in its parts. */
function pathOf(key: string): string[] {
    return key.match(/[^.[\]]+/g) ?? [];
}

function encryptedPaths(path: string, value: unknown): string[] {
    if (isEncrypted(value)) {
        return [path];
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
