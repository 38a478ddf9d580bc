/** Reads a stack file in the clone without the engine and without the passphrase. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ExpectedFailure } from "../cli/failure";
import { namesIn } from "../cli/stackName";
import { parse } from "../settings/parse";
import { type Problem, SettingsError } from "../settings/problems";
import type { RawSettings } from "../settings/raw";
import { parseStackFile, type StackFile, StackFileError } from "../settings/stackFile";
import { OperationError } from "./operation";

export function stackFilePath(folder: string, stack: string): string {
    return join(folder, `Pulumi.${stack}.yaml`);
}

/** Names of the local stacks, which are a developer's own. `npm run up` deploys them, from a backend on this machine. */
export function localStacks(folder: string): string[] {
    return namesIn(folder).filter((name) => isLocal(stackFilePath(folder, name)));
}

function isLocal(path: string): boolean {
    try {
        return stackFileAt(path).config["sms:environment"] === "local";
    } catch {
        // A command that uses this stack reports the error.
        return false;
    }
}

export function readStackFile(folder: string, stack: string): StackFile {
    const path = stackFilePath(folder, stack);
    if (!existsSync(path)) {
        throw new OperationError(`There is no Pulumi.${stack}.yaml; there are files for ${namesIn(folder).join(", ")}.`);
    }
    return stackFileAt(path);
}

/**
 * Reads the stack file at `path`. Throws an ExpectedFailure with the file's name if the engine can't read it, or would read it in an
 * unexpected way.
 */
export function stackFileAt(path: string): StackFile {
    try {
        return parseStackFile(readFileSync(path, "utf8"));
    } catch (error) {
        if (error instanceof StackFileError) {
            const place = error.line === undefined ? basename(path) : `${basename(path)}, line ${error.line}`;
            throw new ExpectedFailure(`${place}: ${error.message}`);
        }
        throw error;
    }
}

/** All problems that the program would report about the settings. */
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
