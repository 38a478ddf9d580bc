/**
 * Property values between the engine and a provider: JSON with marks for secrets, and for values that are unknown before the update has
 * run. The marks are part of Pulumi's wire format.
 */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Properties = { [key: string]: Value };

const mark = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";
const unknownMarks: ReadonlySet<Value> = new Set([
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9", // a string, and every unknown value of the Node SDK
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // a boolean
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // a list
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // an object
]);

export function isObject(value: Value | undefined): value is Properties {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: Value | undefined): value is { [mark]: string; value: Value } {
    return isObject(value) && value[mark] === secretMark;
}

export function secret(value: Value): Value {
    return isSecret(value) ? value : { [mark]: secretMark, value };
}

/** Whether the value itself is still unknown. */
export function isUnknown(value: Value | undefined): boolean {
    return isSecret(value) ? isUnknown(value.value) : value !== undefined && unknownMarks.has(value);
}

/** Whether the value or a part of it is still unknown. */
export function hasUnknown(value: Value | undefined): boolean {
    if (isSecret(value)) {
        return hasUnknown(value.value);
    }
    return typeof value === "object" && value !== null ? Object.values(value).some(hasUnknown) : isUnknown(value);
}

/** The value without its secret marks. Don't return the result to the engine. */
export function plain(value: Value): Value {
    if (isSecret(value)) {
        return plain(value.value);
    }
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)])) : value;
}

/** The object without null members, which mean the same as absent ones. */
export function withoutNulls(object: Properties): Properties {
    const kept = Object.entries(object).filter(([, inner]) => plain(inner) !== null);
    return Object.fromEntries(kept.map(([key, inner]) => [key, isObject(inner) ? withoutNulls(inner) : inner]));
}

/** Changes an object. A secret object remains secret. An unknown value is returned unchanged. */
export function amend(value: Value | undefined, change: (object: Properties) => Properties): Value {
    if (isSecret(value)) {
        return secret(amend(value.value, change));
    }
    return isUnknown(value) ? (value as Value) : change(isObject(value) ? value : {});
}

/** The member `key` of an object. If the object is secret, the member is secret too. */
export function member(value: Value | undefined, key: string): Value | undefined {
    if (isSecret(value)) {
        const inner = member(value.value, key);
        return inner === undefined ? undefined : secret(inner);
    }
    return isUnknown(value) ? value : isObject(value) ? value[key] : undefined;
}
