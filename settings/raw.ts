import { type SecretKey, scalarKeys, secretSchema } from "./schema";
import type { Values } from "./valueAt";

/** A value such as `022`, which YAML reads as 18. */
export interface Misread {
    readonly path: readonly (string | number)[];
    readonly written: string;
    /** The value as the engine reads it. For a time it is the day, with which the engine's text begins. */
    readonly read: number | boolean | string;
}

/** A stack's configuration as Pulumi passes it. */
export interface RawSettings {
    readonly stack: string;
    /** The texts of all keys under `sms:`. */
    readonly texts: Readonly<Record<string, string>>;
    /** The keys whose values are encrypted in the file, as a whole or in part. */
    readonly encrypted: ReadonlySet<string>;
    /** The values that the engine reads differently from the text. */
    readonly misread?: readonly Misread[];
}

/** The values of the texts. Pulumi passes blocks as JSON. */
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

export function isSecret(key: PropertyKey | undefined): key is SecretKey {
    return Object.hasOwn(secretSchema.shape, key ?? "");
}
