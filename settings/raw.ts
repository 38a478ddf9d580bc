import { type SecretKey, scalarKeys, secretSchema } from "./schema";
import type { Misread } from "./stackFile";
import type { Values } from "./valueAt";

/** A stack's configuration as Pulumi hands it over. */
export interface RawSettings {
    readonly stack: string;
    /** The texts of all keys under `sms:`. */
    readonly texts: Readonly<Record<string, string>>;
    /** Which of these keys are encrypted in the file, whole or in part. */
    readonly encrypted: ReadonlySet<string>;
    /** What the file has that isn't read as it is written. */
    readonly misread?: readonly Misread[];
}

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

export function isSecret(key: PropertyKey | undefined): key is SecretKey {
    return Object.hasOwn(secretSchema.shape, key ?? "");
}
