import { isDeepStrictEqual } from "node:util";
import { isObject, isSecret, plain, type Value } from "./values";

export interface Change {
    property: string;
    kind: "add" | "delete" | "update";
    /** Whether it can't be changed in place: a new resource takes the old one's. */
    replaces?: boolean;
    /** Of one that replaces: the old one goes before the new one is made. */
    deletesFirst?: boolean;
}

/** What differs, down to `depth` levels of objects. Whether it is a secret makes no difference. */
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
