/** Property values in the engine's log, and the differences between two values. Secrets are removed. */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** A difference in a readable form. */
export interface PropertyChange {
    /** Such as `spec.template.spec.containers[sms-web].image`. */
    readonly path: string;
    /** Undefined if the property is added. */
    readonly from?: string;
    /** Undefined if the property is removed. */
    readonly to?: string;
}

/** Replaces a secret. */
export const hidden = "[secret]";
/** Replaces a value that is unknown before the `up`. */
export const later = "[known later]";

/** Parts of Pulumi's wire format. */
const mark = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Names of values that are hidden even if the program does not mark them as secret. Many people can read the report. */
const secretName = /(passw(or)?d|passphrase|token|authorization|credential|(access|secret|private|api)[_-]?key([_-]?secret)?)$/i;
const userInfo = /(\w:\/\/)[^/@\s]+@/g;

/** Hides all secrets in a value, at every depth. */
export function shown(value: unknown, name = ""): Value {
    if (Array.isArray(value)) {
        return value.map((inner) => shown(inner, name));
    }
    if (typeof value === "object" && value !== null) {
        const object = value as Record<string, unknown>;
        if (object[mark] === secretMark) {
            return hidden;
        }
        // An environment variable has its name in the property `name`, beside `value`.
        const nameOf = (key: string) => (key === "value" && typeof object.name === "string" ? object.name : key);
        return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, shown(inner, nameOf(key))]));
    }
    if (value === unknown) {
        return later;
    }
    if (typeof value === "string") {
        return secretName.test(name) ? hidden : value.replaceAll(unknown, later).replace(userInfo, "$1…@");
    }
    return value as Value;
}

/** The differences, sorted by path. Members of a list are matched by their names if they have names. */
export function propertyChanges(before: Value | undefined, after: Value | undefined): PropertyChange[] {
    return differences("", before, after).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function differences(path: string, before: Value | undefined, after: Value | undefined): PropertyChange[] {
    if (JSON.stringify(before) === JSON.stringify(after)) {
        return [];
    }
    const [old, next] = [membersOf(before), membersOf(after)];
    if (old !== undefined && next !== undefined && Array.isArray(before) === Array.isArray(after)) {
        const isList = Array.isArray(before);
        const inner = (key: string) => (isList ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
        const found = [...new Set([...old.keys(), ...next.keys()])].flatMap((key) => differences(inner(key), old.get(key), next.get(key)));
        // If no member differs, only the order does.
        if (found.length > 0) {
            return found;
        }
    }
    const [from, to] = excerpts(before, after);
    return [{ path, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
}

/** Members by key. A list's members have their names as keys; if all are different strings, themselves; else their positions. */
function membersOf(value: Value | undefined): Map<string, Value> | undefined {
    if (Array.isArray(value)) {
        const names = value.map((member) => (typeof member === "string" ? member : (member as { name?: unknown })?.name));
        const areNamed = names.every((name) => typeof name === "string") && new Set(names).size === names.length;
        return new Map(value.map((member, index) => [areNamed ? String(names[index]) : `${index}`, member]));
    }
    return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

const longest = 60;
const context = 4;

/** Both values as text. Of long texts only the different part, with a few characters before it. */
function excerpts(before: Value | undefined, after: Value | undefined): [string | undefined, string | undefined] {
    const [from, to] = [textOf(before), textOf(after)];
    if ((from ?? "").length <= longest && (to ?? "").length <= longest) {
        return [from, to];
    }
    let same = 0;
    while (from !== undefined && to !== undefined && same < from.length && from[same] === to[same]) {
        same++;
    }
    const start = Math.max(0, same - context);
    const cut = (text?: string) => {
        if (text === undefined) {
            return undefined;
        }
        const rest = text.slice(start);
        return `${start > 0 ? "…" : ""}${rest.length > longest ? `${rest.slice(0, longest)}…` : rest}`;
    };
    return [cut(from), cut(to)];
}

/** The part of a value at one of the engine's paths, such as `spec.ports[0].nodePort`. */
export function valueAt(value: Value | undefined, path: string): Value | undefined {
    const parts = path.match(/[^.[\]"]+/g) ?? [];
    return parts.reduce<Value | undefined>(
        (inner, part) => (typeof inner === "object" && inner !== null ? (inner as Record<string, Value>)[part] : undefined),
        value,
    );
}

export function textOf(value: Value | undefined): string | undefined {
    return value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value);
}
