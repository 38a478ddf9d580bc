import type { z } from "zod";
import { clientProblems } from "./clients";
import type { Hint } from "./hint";
import { isPassedOn, withInherited } from "./pools";
import { Commands, keyOf, nearest, type Problem, SettingsError } from "./problems";
import { decode, isSecret, type RawSettings } from "./raw";
import { type Blocks, rulesBetween } from "./rulesBetween";
import { type PlainSettings, plainSchema, secretSchema } from "./schema";
import { secretProblems } from "./secrets";
import { type Values, valueAt } from "./valueAt";

/** The plain settings with their defaults. Throws a SettingsError with all faults, including those of the secrets. */
export function parse(raw: RawSettings): PlainSettings {
    const commands = new Commands(raw.stack);
    const said = decode(raw.texts);
    const values = withInherited(said);
    const plain = plainSchema.safeParse(pick(values, (key) => !isSecret(key)));
    const secret = secretSchema.safeParse(pick(values, isSecret));
    const issues = [...(plain.error?.issues ?? []), ...issuesBetween(values), ...(secret.error?.issues ?? [])];
    const misread = misreadProblems(raw);
    const found = [
        ...issues
            .filter(({ path }) => !isPassedOn(path, said, issues))
            .flatMap((issue) => refusals(issue, raw, { said, values }, commands)),
        ...secretProblems(raw, said),
        ...clientProblems(raw.stack, said),
    ];
    const problems = [...misread, ...found.filter(({ key }) => !misread.some((other) => other.key === key))];
    if (problems.length > 0 || !plain.success) {
        throw new SettingsError(raw.stack, problems);
    }
    return plain.data;
}

/** Problems for values that the engine reads differently from the text. Other problems of these keys are not reported. */
function misreadProblems({ stack, encrypted, misread = [] }: RawSettings): Problem[] {
    return misread.map(({ path, written, read }) => {
        const isHidden = isSecret(path[0]) || encrypted.has(String(path[0]));
        const found = isHidden
            ? "has a value (not shown) that YAML reads as another value"
            : `is ${written}, which YAML reads as ${typeof read === "string" ? "a time" : read}`;
        return {
            key: keyOf(path),
            message: `${found}; put it in quotes${typeof read === "string" || isHidden ? "" : `, or write ${read}`}`,
            fix: `write ${isHidden ? "it in quotes" : JSON.stringify(written)} in Pulumi.${stack}.yaml`,
        };
    });
}

function pick(values: Values, wanted: (key: string) => boolean): Values {
    return Object.fromEntries(Object.entries(values).filter(([key]) => wanted(key)));
}

/** The problems between blocks. A rule runs if its own blocks have no faults, whatever other blocks have. */
function issuesBetween(values: Values): z.core.$ZodIssue[] {
    const parsed = Object.entries(plainSchema.shape).map(([block, schema]) => ({ block, ...schema.safeParse(values[block]) }));
    const wrong = parsed.filter(({ success }) => !success).map(({ block }) => block);
    const value = Object.fromEntries(parsed.map(({ block, success, data }) => [block, success ? data : values[block]]));
    return rulesBetween
        .filter(({ blocks }) => !blocks.some((block) => wrong.includes(block)))
        .flatMap(({ rule }) => {
            const payload = { value: value as unknown as Blocks, issues: [] };
            rule(payload);
            return payload.issues;
        });
}

/** The problems of an issue that the schema found. */
function refusals(
    issue: z.core.$ZodIssue,
    raw: RawSettings,
    { said, values }: Record<"said" | "values", Values>,
    commands: Commands,
): Problem[] {
    if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => {
            const path = [...issue.path, key];
            const meant = nearest(key, issue.message.split(", "));
            return {
                key: keyOf(path),
                message: `is not known; ${meant ? `did you mean ${keyOf([...issue.path, meant])}?` : `allowed: ${issue.message}`}`,
                fix: meant ? `rename it in Pulumi.${raw.stack}.yaml, or: ${commands.remove(path)}` : commands.remove(path),
            };
        });
    }
    const { message, hint } = told(issue);
    // The file's own value. A pool's value from sms:worker is only the second choice.
    const value = valueAt(said, issue.path) ?? valueAt(values, issue.path);
    const mayBeCredential = typeof hint.hidden === "function" ? hint.hidden(value) : hint.hidden;
    const hidden = mayBeCredential || raw.encrypted.has(String(issue.path[0])) || isSecret(issue.path[0]);
    const meant = hidden || value === undefined ? undefined : hint.meant?.(value);
    return [
        {
            key: keyOf(issue.path),
            message: `${described(value, hint, hidden)}; allowed: ${message}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
            fix: fixFor(issue.path, meant === undefined ? hint : { example: meant }, commands),
        },
    ];
}

function told(issue: z.core.$ZodIssue): { message: string; hint: Hint } {
    // For a refused name of an environment variable, zod wraps the issue.
    const { message, params } = (issue.code === "invalid_key" ? issue.issues[0] : issue) as { message: string; params?: Hint };
    // Zod allows a message for a union, but no hint. So the example is the first of its kinds.
    if (issue.code === "invalid_union") {
        return { message, hint: { example: message.split(" or ")[0] } };
    }
    const list = (issue.code === "invalid_type" && issue.expected === "array") || (issue.code === "too_small" && issue.origin === "array");
    return { message, hint: params ?? { list } };
}

function fixFor(path: PropertyKey[], hint: Hint, commands: Commands): string {
    if (hint.secretEnv) {
        return commands.replaceBySecret(path, ["secretEnv", path.at(-1) ?? ""]);
    }
    if (hint.remove) {
        return commands.remove(path);
    }
    if (isSecret(path[0])) {
        return commands.setSecret(path[0] === "secretEnv" && path.length === 1 ? [...path, "NAME"] : path);
    }
    if ("example" in hint) {
        return commands.set(path, hint.example);
    }
    return hint.list
        ? `write it as a list: ${keyOf(path)}: with its entries indented below, each after a -`
        : `write it as a block: ${keyOf(path)}: with its keys indented below`;
}

function described(value: unknown, { byDefault }: Hint, hidden: boolean): string {
    if (value === undefined) {
        return byDefault === undefined ? "is missing" : `is ${JSON.stringify(byDefault)} by default`;
    }
    if (hidden) {
        return "has a value (not shown)";
    }
    const text = JSON.stringify(value);
    return `is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}
