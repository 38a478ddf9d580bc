import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Change } from "../provider/changes";
import { isEqual } from "../provider/changes";
import type { Checked, Failure, Subject } from "../provider/serve";
import { hasUnknown, isObject, isSecret, isUnknown, type Properties, plain, secret, type Value, withoutNulls } from "../provider/values";

/** What an input may be. `set` is a list of texts whose order says nothing; `map` has any names; an object has just these. */
export type Kind = "text" | "whole" | "flag" | "texts" | "set" | "map" | { readonly each: Inputs } | Inputs;

export interface Input {
    readonly kind: Kind;
    readonly isRequired?: boolean;
    /** Just these values. */
    readonly oneOf?: readonly (string | number)[];
    /** At least and at most; of a text its length. */
    readonly between?: readonly [number, number];
    /** What else the provider checks; gives what is wrong. */
    readonly refuses?: (value: Value) => string | undefined;
    /** A change makes another one. */
    readonly replaces?: boolean;
    /** Left out, the cloud chooses, and leaves it as it is. */
    readonly isChosen?: boolean;
    readonly defaultsTo?: Value;
    readonly isSecret?: boolean;
    readonly excludes?: readonly string[];
    /** Left out, it is the resource's name in the program and seven random characters. */
    readonly isAutonamed?: boolean;
}

export type Inputs = { readonly [name: string]: Input };

const isInput = (inputs: Kind): inputs is Inputs => typeof inputs === "object" && !("each" in inputs);

/** `instanceClass` as the provider below calls it, `instance_class`. */
export function snake(name: string): string {
    return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The inputs with defaults, or everything that the real provider refuses already at the preview. */
export function checkInputs(inputs: Inputs, { name }: Subject, news: Properties, olds: Properties): Checked {
    const given = withoutNulls(news);
    const failures = failuresOf(inputs, given, "");
    if (failures.length > 0) {
        return { inputs: given, failures };
    }
    const isExcluded = (input: Input) => (input.excludes ?? []).some((other) => given[other] !== undefined);
    const defaults = Object.entries(inputs).flatMap(([key, input]): [string, Value][] => {
        if (given[key] !== undefined || isExcluded(input)) {
            return [];
        }
        if (input.isAutonamed) {
            return [[key, olds[key] ?? `${name}-${randomBytes(4).toString("hex").slice(1)}`]];
        }
        return input.defaultsTo === undefined ? [] : [[key, input.defaultsTo]];
    });
    const completed = { ...given, ...Object.fromEntries(defaults) };
    const marked = Object.entries(completed).map(([key, value]) => [
        key,
        inputs[key]?.isSecret && !isUnknown(value) ? secret(value) : value,
    ]);
    return { inputs: Object.fromEntries(marked), failures: [] };
}

function failuresOf(inputs: Inputs, given: Properties, below: string): Failure[] {
    const at = (key: string) => (below === "" ? key : `${below}.${key}`);
    const unknown = Object.keys(given).filter((key) => inputs[key] === undefined && !key.startsWith("__"));
    return [
        ...unknown.map((key) => ({
            property: at(key),
            reason: `Invalid or unknown key; known here are ${Object.keys(inputs).map(at).join(", ")}`,
        })),
        ...Object.entries(inputs).flatMap(([key, input]) => {
            const value = given[key];
            if (value === undefined) {
                const reason = `Missing required argument. The argument "${snake(key)}" is required, but no definition was found.`;
                return input.isRequired ? [{ property: at(key), reason }] : [];
            }
            const excluded = (input.excludes ?? []).filter((other) => given[other] !== undefined);
            return [
                ...excluded.map((other) => ({ property: at(key), reason: `"${snake(key)}": conflicts with ${snake(other)}` })),
                ...failuresAt(input, key, value, at(key)),
            ];
        }),
    ];
}

/** Where the value isn't what the input may be. Whatever isn't known yet is. */
function failuresAt(input: Input, key: string, value: Value, property: string): Failure[] {
    if (isSecret(value)) {
        return failuresAt(input, key, value.value, property);
    }
    if (isUnknown(value)) {
        return [];
    }
    const { kind, oneOf, between, refuses } = input;
    const fails = (reason: string) => [{ property, reason }];
    if (isInput(kind)) {
        return isObject(value) ? failuresOf(kind, value, property) : fails("This has to be an object");
    }
    if (typeof kind === "object") {
        if (!Array.isArray(value)) {
            return fails("This has to be a list of objects");
        }
        return value.flatMap((each, index) => failuresAt({ kind: kind.each }, key, each, `${property}[${index}]`));
    }
    const wanted = misshapen(kind, value);
    if (wanted !== undefined) {
        return fails(`This has to be ${wanted}`);
    }
    if (hasUnknown(value)) {
        return [];
    }
    const shown = input.isSecret ? "a secret" : String(plain(value));
    if (oneOf !== undefined && !oneOf.includes(plain(value) as string)) {
        return fails(`expected ${snake(key)} to be one of [${oneOf.join(" ")}], got ${shown}`);
    }
    if (between !== undefined) {
        const [least, most] = between;
        const size = typeof value === "string" ? value.length : Number(value);
        const range = typeof value === "string" ? `expected length of ${snake(key)}` : `expected ${snake(key)}`;
        if (size < least || size > most) {
            return fails(`${range} to be in the range (${least} - ${most}), got ${shown}`);
        }
    }
    const reason = refuses?.(plain(value));
    return reason === undefined ? [] : fails(reason);
}

function misshapen(kind: Exclude<Kind, object>, value: Value): string | undefined {
    const isText = (inner: Value) => typeof plain(inner) === "string";
    switch (kind) {
        case "text":
            return isText(value) ? undefined : "a text";
        case "whole":
            return Number.isInteger(value) ? undefined : "a whole number";
        case "flag":
            return typeof value === "boolean" ? undefined : "true or false";
        case "texts":
        case "set":
            return Array.isArray(value) && value.every(isText) ? undefined : "a list of texts";
        case "map":
            return isObject(value) && Object.values(value).every(isText) ? undefined : "an object of texts";
    }
}

/** What an update would be for. An input that the cloud chooses can be left out without a change. */
export function inputChanges(inputs: Inputs, olds: Properties, news: Properties): Change[] {
    return Object.entries(inputs).flatMap(([property, { kind, isChosen, replaces = false }]): Change[] => {
        const [before, after] = [olds[property], news[property]];
        if (isSame(kind, before, after) || (after === undefined && isChosen)) {
            return [];
        }
        return [{ property, kind: before === undefined ? "add" : after === undefined ? "delete" : "update", replaces }];
    });
}

export function isSame(kind: Kind, before: Value | undefined, after: Value | undefined): boolean {
    if (kind !== "set") {
        return isEqual(before, after);
    }
    const [a, b] = [before, after].map((value) => plain(value ?? null));
    return Array.isArray(a) && Array.isArray(b) ? isDeepStrictEqual([...a].sort(), [...b].sort()) : isDeepStrictEqual(a, b);
}
