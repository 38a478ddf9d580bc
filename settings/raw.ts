import { type SecretKey, scalarKeys, secretSchema } from "./schema";

/** A stack's configuration as Pulumi hands it over. */
export interface RawSettings {
    readonly stack: string;
    /** The texts of all keys under `sms:`. */
    readonly texts: Readonly<Record<string, string>>;
    /** Which of these keys are encrypted in the file, whole or in part. */
    readonly encrypted: ReadonlySet<string>;
}

export type Values = Record<string, unknown>;

/** What the texts mean: Pulumi hands blocks over as JSON. */
export function decode(texts: RawSettings["texts"]): Values {
    return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, scalarKeys.includes(key) ? text : json(text)]));
}

function json(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

/** What stands at `path`, if anything does. */
export function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
        (value, key) => (Object.hasOwn(Object(value), key) ? (value as Record<PropertyKey, unknown>)[key] : undefined),
        values,
    );
}

export function isSecret(key: PropertyKey | undefined): key is SecretKey {
    return Object.hasOwn(secretSchema.shape, key ?? "");
}
