/** Pulumi ESC: settings that a stack imports from environments. Only the engine can open these. */
import type { StackFile } from "../settings/stackFile";
import type { OnStack } from "./state";

interface Listed {
    readonly value?: string;
    readonly objectValue?: unknown;
    readonly secret: boolean;
}

/** The stack file with the settings of its environments. As with the engine, the file's own settings take precedence. */
export async function withEnvironment(file: StackFile, pulumi: OnStack): Promise<StackFile> {
    if (file.environment === undefined) {
        return file;
    }
    const listed = JSON.parse((await pulumi(["config", "--json", "--show-secrets"])).stdout) as Record<string, Listed>;
    return { ...file, config: { ...settingsOf(listed), ...file.config } };
}

/** Replaces secret values: only their existence counts. A block of secrets keeps its names. */
function settingsOf(listed: Record<string, Listed>): Record<string, unknown> {
    return Object.fromEntries(
        Object.entries(listed).map(([key, { value, objectValue, secret }]) => [key, secret ? sealed(objectValue) : (objectValue ?? value)]),
    );
}

function sealed(value: unknown): unknown {
    return typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sealed(inner)]))
        : { secure: "" };
}
