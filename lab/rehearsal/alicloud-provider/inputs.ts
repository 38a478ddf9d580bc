import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Input, Inputs, Kind, Limits } from "../../../operations/alicloud/inputKinds";
import type { Change } from "../../machine/provider/changes";
import { isEqual } from "../../machine/provider/changes";
import type { Checked, Failure, Subject } from "../../machine/provider/serve";
import {
    hasUnknown,
    isObject,
    isSecret,
    isUnknown,
    type Properties,
    plain,
    secret,
    type Value,
    withoutNulls,
} from "../../machine/provider/values";
import { Refusal } from "./refusal";

const isInput = (inputs: Kind): inputs is Inputs => typeof inputs === "object" && !("each" in inputs);

/** The Terraform provider's name of an input: `instance_class` for `instanceClass`. */
function snake(name: string): string {
    return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The inputs with defaults, or all faults that the real provider reports in the preview. */
export function checkInputs(inputs: Inputs, { name }: Subject, news: Properties, olds: Properties): Checked {
    const given = withoutNulls(news);
    const failures = failuresOf(inputs, given, "");
    if (failures.length > 0) {
        return { inputs: given, failures };
    }
    const defaults = Object.entries(inputs).flatMap(([key, input]): [string, Value][] => {
        if (given[key] !== undefined) {
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
            return failuresAt(input, key, value, at(key));
        }),
    ];
}

/** The faults of a value. Unknown values are accepted. */
function failuresAt(input: Input, key: string, value: Value, property: string): Failure[] {
    if (isSecret(value)) {
        return failuresAt(input, key, value.value, property);
    }
    if (isUnknown(value)) {
        return [];
    }
    const { kind, refuses } = input;
    const fails = (reason: string) => [{ property, reason }];
    if (input.isFilled && typeof value === "object" && value !== null && Object.keys(value).length === 0) {
        return fails(`Not enough items: ${snake(key)} has at least one, got none`);
    }
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
    const reason = outside(input, key, plain(value), shown) ?? refuses?.(plain(value));
    return reason === undefined ? [] : fails(reason);
}

function outside({ oneOf, between }: Limits, key: string, value: Value, shown: string): string | undefined {
    if (oneOf !== undefined && !(Array.isArray(value) ? value : [value]).every((each) => oneOf.includes(each as string))) {
        return `expected ${snake(key)} to be one of [${oneOf.join(" ")}], got ${shown}`;
    }
    if (between !== undefined) {
        const [least, most] = between;
        const size = typeof value === "string" ? value.length : Number(value);
        const range = typeof value === "string" ? `expected length of ${snake(key)}` : `expected ${snake(key)}`;
        return size < least || size > most ? `${range} to be in the range (${least} - ${most}), got ${shown}` : undefined;
    }
    return undefined;
}

/** Throws a Refusal for inputs that the provider accepts but the API refuses. */
export function refuseByApi(inputs: Inputs, given: Properties): void {
    for (const [key, value] of Object.entries(given)) {
        const { api, isSecret: isHidden } = inputs[key] ?? {};
        if (api === undefined) {
            continue;
        }
        const plainly = plain(value);
        const reason = outside(api, key, plainly, isHidden ? "a secret" : String(plainly));
        if (reason !== undefined || api.accepts?.(plainly) === false) {
            throw new Refusal(api.code, api.words ?? `${reason}.`);
        }
    }
}

function misshapen(kind: Exclude<Kind, object>, value: Value): string | undefined {
    const isText = (inner: Value) => typeof plain(inner) === "string";
    const isScalar = (inner: Value) => ["string", "number", "boolean"].includes(typeof plain(inner));
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
            return isObject(value) && Object.values(value).every(isScalar) ? undefined : "an object of texts";
    }
}

/**
 * The changes that need an update: the differences between the state, which has the cloud's last answer, and the program's inputs. `name`
 * is the resource's name in the program.
 */
export function inputChanges(inputs: Inputs, { name }: { name: string }, state: Properties, news: Properties, ignored: readonly string[]) {
    const deletesFirst = Object.keys(inputs).some((key) => inputs[key]?.isAutonamed && !isMadeUp(name, plain(news[key] ?? null)));
    return Object.entries(inputs).flatMap(([property, { kind, isChosen, isQuiet, replaces = false }]): Change[] => {
        const [before, after] = [state[property], news[property]];
        const isLeft = after === undefined && (isChosen === true || isNothing(before));
        const isSuppressed = isQuiet === true && before !== undefined;
        if (ignored.includes(property) || isLeft || isSuppressed || isSame(kind, before, after)) {
            return [];
        }
        const isAnew = replaces === "ifTold" ? before !== undefined : replaces;
        const change = { property, kind: before === undefined ? "add" : after === undefined ? "delete" : "update" } as const;
        return [{ ...change, replaces: isAnew, ...(isAnew && deletesFirst ? { deletesFirst } : {}) }];
    });
}

/** Whether `checkInputs` generated the name. Then an old and a new resource can exist at the same time. */
function isMadeUp(name: string, value: Value): boolean {
    return typeof value === "string" && value.startsWith(`${name}-`) && /^[0-9a-f]{7}$/.test(value.slice(name.length + 1));
}

/** Whether the provider treats the value as absent. */
function isNothing(value: Value | undefined): boolean {
    const plainly = plain(value ?? null);
    return [null, false, 0, ""].includes(plainly as null) || (typeof plainly === "object" && Object.keys(plainly ?? {}).length === 0);
}

export function isSame(kind: Kind, before: Value | undefined, after: Value | undefined): boolean {
    const isUnordered = kind === "set" || (typeof kind === "object" && "each" in kind);
    const [a, b] = [before, after].map((value) => plain(value ?? null));
    return isUnordered && Array.isArray(a) && Array.isArray(b) ? isDeepStrictEqual(sorted(a), sorted(b)) : isEqual(before, after);
}

/** Sorts the entries and their names, because neither order has a meaning. */
const sorted = (values: Value[]) => values.map((value) => JSON.stringify(isObject(value) ? Object.entries(value).sort() : value)).sort();
