/** A stack file as it lies in the clone, read without the engine and without its passphrase. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ExpectedFailure } from "../cli/failure";
import { parse } from "../settings/parse";
import { type Problem, SettingsError } from "../settings/problems";
import type { RawSettings } from "../settings/raw";
import { parseStackFile, type StackFile, StackFileError } from "../settings/stackFile";
import { OperationError } from "./operation";

export function stackFilePath(folder: string, stack: string): string {
    return join(folder, `Pulumi.${stack}.yaml`);
}

export function readStackFile(folder: string, stack: string): StackFile {
    const path = stackFilePath(folder, stack);
    if (!existsSync(path)) {
        const stacks = readdirSync(folder).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
        throw new OperationError(`There is no Pulumi.${stack}.yaml; there are files for ${stacks.join(", ")}.`);
    }
    return stackFileAt(path);
}

/** The stack file at `path`. One that the engine can't read, or reads otherwise than one would think, is refused by its name. */
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
