import { isDeepStrictEqual } from "node:util";
import { isObject, isSecret, plain, type Value } from "./values";

export interface Change {
    property: string;
    kind: "add" | "delete" | "update";
    /** Whether the change replaces the resource, because it can't change in place. */
    replaces?: boolean;
    /** With `replaces`: the old resource is deleted before the new one is created. */
    deletesFirst?: boolean;
}

/** The differences between two values, down to `depth` levels of objects. Secret marks are ignored. */
export function changes(old: Value | undefined, next: Value | undefined, property: string, depth: number): Change[] {
    const [before, after] = [old, next].map((value) => (isSecret(value) ? value.value : value));
    if (depth > 0 && isObject(before) && isObject(after)) {
        const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
        return keys.flatMap((key) => changes(before[key], after[key], property === "" ? key : `${property}.${key}`, depth - 1));
    }
    if (isEqual(before, after)) {
        return [];
    }
    return [{ property, kind: before === undefined ? "add" : after === undefined ? "delete" : "update" }];
}

export function isEqual(a: Value | undefined, b: Value | undefined): boolean {
    return isDeepStrictEqual(plain(a ?? null), plain(b ?? null));
}
