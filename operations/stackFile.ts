/** A stack file as it lies in the clone, read without the engine and without its passphrase. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { parse } from "../settings/parse";
import { type Problem, SettingsError } from "../settings/problems";
import type { RawSettings } from "../settings/raw";
import { OperationError } from "./operation";

export interface StackFile {
    encryptionsalt?: string;
    config: Record<string, unknown>;
}

export function stackFilePath(folder: string, stack: string): string {
    return join(folder, `Pulumi.${stack}.yaml`);
}

export function readStackFile(folder: string, stack: string): StackFile {
    const path = stackFilePath(folder, stack);
    if (!existsSync(path)) {
        const stacks = readdirSync(folder).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
        throw new OperationError(`There is no Pulumi.${stack}.yaml; there are files for ${stacks.join(", ")}.`);
    }
    const { config, ...rest } = (parseYaml(readFileSync(path, "utf8")) ?? {}) as Partial<StackFile>;
    return { ...rest, config: config ?? {} };
}

/** The settings as the engine hands them to the program: blocks as JSON, everything else as text. */
export function rawSettings(stack: string, config: StackFile["config"]): RawSettings {
    const own = Object.entries(config)
        .filter(([key]) => key.startsWith("sms:"))
        .map(([key, value]) => [key.slice("sms:".length), value] as const);
    return {
        stack,
        texts: Object.fromEntries(own.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])),
        encrypted: new Set(own.filter(([, value]) => hasEncrypted(value)).map(([key]) => key)),
    };
}

/** All that the program would find wrong with the settings. */
export function problemsIn(raw: RawSettings): readonly Problem[] {
    try {
        parse(raw);
        return [];
    } catch (error) {
        if (error instanceof SettingsError) {
            return error.problems;
        }
        throw error;
    }
}

export function isMissing({ message }: Problem): boolean {
    return message.startsWith("is missing");
}

export function isEncrypted(value: unknown): value is { secure: string } {
    return typeof value === "object" && value !== null && Object.keys(value).join() === "secure";
}

export function hasEncrypted(value: unknown): boolean {
    return isEncrypted(value) || (typeof value === "object" && value !== null && Object.values(value).some(hasEncrypted));
}
