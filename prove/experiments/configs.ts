import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { clone } from "../../machine/places";
import { parse } from "../../settings/parse";
import { keyOf, SettingsError } from "../../settings/problems";
import { isSecret } from "../../settings/raw";
import { scalarKeys } from "../../settings/schema";
import { runProgram } from "../../test/unit/program";
import { completed, localSecrets, onlineSecrets, stackFile, testSecrets } from "../../test/unit/stackFile";
import { pause } from "../cluster";
import type { Count, Experiment, Form, Side, Stage, Trial } from "../experiment";
import type { Product } from "../product";

type Values = Record<string, unknown>;
type Path = readonly (string | number)[];

/** A stack file with one thing wrong in it. */
interface Bad {
    stack: string;
    values: Values;
    secrets: Record<string, string>;
    /** What has to be named. */
    path: Path;
}

interface Good {
    stack: string;
    values: Values;
    secrets: Record<string, string>;
}

function good(stack: string, texts: Record<string, string>, secrets: Record<string, string>): Good {
    const values = Object.entries(texts).map(([key, text]) => [key, scalarKeys.includes(key) ? text : JSON.parse(text)]);
    return { stack, values: Object.fromEntries(values), secrets };
}

const goodFiles = (): Good[] => [
    good("local", stackFile("local"), localSecrets),
    good("test", completed("test"), testSecrets),
    good("online", completed("online"), onlineSecrets),
];

interface Schema {
    type?: string | string[];
    properties?: Record<string, Schema>;
    required?: string[];
    additionalProperties?: false | Schema;
    items?: Schema;
    oneOf?: Schema[];
    anyOf?: Schema[];
    const?: unknown;
    enum?: unknown[];
    pattern?: string;
    minimum?: number;
    maximum?: number;
}

/** A place in a file, what belongs there, and what is there now. */
interface Place {
    path: Path;
    schema: Schema;
    value: unknown;
}

/** Every place that the schema knows, whether the file says something there or not. */
function places(path: Path, schema: Schema, value: unknown): Place[] {
    const kinds = schema.oneOf ?? schema.anyOf;
    if (kinds !== undefined) {
        const kind = (value as { kind?: unknown })?.kind;
        const chosen = kinds.find(({ properties }) => properties?.kind?.const === kind) ?? kinds[0];
        return chosen === undefined ? [] : places(path, chosen, value);
    }
    const inner =
        schema.items !== undefined && Array.isArray(value)
            ? value.flatMap((entry, i) => places([...path, i], schema.items as Schema, entry))
            : Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
                  // What isn't there has nothing below it either: a whole block is put there.
                  value === undefined ? [] : places([...path, key], property, (value as Values)[key]),
              );
    return [{ path, schema, value }, ...inner];
}

/** What may be put there in the place of what is right. `undefined` takes it away. */
function wrong({ path, schema, value }: Place): fc.Arbitrary<{ path: Path; value: unknown }>[] {
    const isText = path.length === 1 && scalarKeys.includes(String(path[0]));
    const here = (arbitrary: fc.Arbitrary<unknown>) => arbitrary.map((value) => ({ path, value }));
    const below = (key: string, value: unknown) => fc.constant({ path: [...path, key], value });
    const types = [schema.type ?? []].flat();
    if (schema.enum !== undefined) {
        return [here(fc.string({ minLength: 1 }).filter((text) => !schema.enum?.includes(text)))];
    }
    if (types.includes("integer")) {
        const { minimum = 0, maximum = 2 ** 31 } = schema;
        return [
            here(fc.integer({ max: minimum - 1 })),
            here(fc.integer({ min: maximum + 1, max: maximum + 1_000_000 })),
            here(fc.integer({ min: minimum, max: maximum - 1 }).map((number) => number + 0.5)),
            here(fc.constantFrom<unknown>("many", "6", true, null, [], {})),
        ];
    }
    if (types.includes("object")) {
        const required = (schema.required ?? []).filter((key) => key !== "kind" && value !== undefined);
        const isClosed = schema.additionalProperties === false;
        return [
            here(fc.constantFrom<unknown>("a text", 7, true, [])),
            ...(isClosed && value !== undefined
                ? [
                      fc
                          .stringMatching(/^[a-z]{3,12}$/)
                          .filter((key) => !(key in (schema.properties ?? {})))
                          .chain((key) => below(key, 1)),
                  ]
                : []),
            ...(isClosed ? [] : [below("NAME", []), below("OTHER", { a: 1 })]),
            ...required.map((key) => below(key, undefined)),
        ];
    }
    if (types.includes("array")) {
        return [here(fc.constantFrom<unknown>("a text", 7, { a: 1 }))];
    }
    if (types.includes("boolean")) {
        return [here(fc.constantFrom<unknown>("yes", 1, "true", []))];
    }
    if (types.includes("string") && types.includes("number")) {
        return [
            here(
                fc.constantFrom<unknown>(
                    "lots",
                    "-1",
                    "1 Gi",
                    "1K",
                    -1,
                    0,
                    true,
                    [],
                    ...(path.at(-1) === "cpu" ? ["1M", "100Mi", 500] : ["512m", 800, "0.1Gi"]),
                ),
            ),
        ];
    }
    if (schema.pattern !== undefined) {
        const pattern = new RegExp(schema.pattern);
        return [
            here(fc.string({ minLength: 1 }).filter((text) => !pattern.test(text))),
            ...(isText ? [] : [here(fc.constantFrom<unknown>(7, [], {}))]),
        ];
    }
    return isText ? [] : [here(fc.constantFrom<unknown>([], { a: 1 }))];
}

/** Two settings that are right by themselves and can't be together. */
const contradictions: fc.Arbitrary<{ values: Values; path: Path }>[] = [
    fc.integer({ min: 1, max: 60 }).map((preStopSeconds) => ({
        values: { web: { preStopSeconds, gracefulTimeoutSeconds: 30, gracePeriodSeconds: preStopSeconds + 29 } },
        path: ["web", "gracePeriodSeconds"],
    })),
    fc.integer({ min: 1, max: 3500 }).map((sendLeaseSeconds) => ({
        values: {
            worker: {
                sendLeaseSeconds,
                sendRetryMaxSeconds: 600,
                visibilityTimeoutSeconds: sendLeaseSeconds + 600,
                gracePeriodSeconds: 3600,
            },
        },
        path: ["worker", "visibilityTimeoutSeconds"],
    })),
    fc.integer({ min: 2, max: 8 }).map((cpu) => ({
        values: { beat: { resources: { requests: { cpu }, limits: { cpu: cpu - 1 } } } },
        path: ["beat", "resources", "requests", "cpu"],
    })),
    fc.constant({ values: { web: { rollout: { maxSurge: 0, maxUnavailable: 0 } } }, path: ["web", "rollout"] }),
];

function badFile(): fc.Arbitrary<Bad> {
    const { properties } = JSON.parse(readFileSync(join(clone, "settings", "stack-file.schema.json"), "utf8")) as Schema;
    const blocks = Object.entries(properties?.config?.properties ?? {}).filter(([key]) => key.startsWith("sms:"));
    return fc.constantFrom(...goodFiles()).chain(({ stack, values, secrets }) => {
        const known = blocks
            .filter(([key]) => !isSecret(key.slice("sms:".length)))
            .flatMap(([key, schema]) => places([key.slice("sms:".length)], schema, values[key.slice("sms:".length)]));
        const oneWrong = fc
            .constantFrom(...known)
            .chain((place) => {
                const ways = wrong(place);
                return ways.length === 0 ? fc.constant(undefined) : fc.oneof(...ways);
            })
            .filter((change) => change !== undefined)
            .map(({ path, value }) => ({ stack, values: changed(values, path, value) as Values, secrets, path }));
        const unknown = fc
            .stringMatching(/^[a-z]{3,12}$/)
            .filter((key) => !blocks.some(([known]) => known === `sms:${key}`))
            .map((key) => ({ stack, values: { ...values, [key]: "1" }, secrets, path: [key] }));
        const noSecret = fc.constantFrom(...Object.keys(secrets).filter((key) => key !== "secretEnv")).map((key) => {
            const { [key]: _, ...left } = secrets;
            return { stack, values, secrets: left, path: [key] };
        });
        const together = fc
            .oneof(...contradictions)
            .map((contradiction) => ({ stack, values: { ...values, ...contradiction.values }, secrets, path: contradiction.path }));
        return fc.oneof(
            { weight: 20, arbitrary: oneWrong },
            { weight: 2, arbitrary: unknown },
            { weight: 1, arbitrary: noSecret },
            { weight: 2, arbitrary: together },
        );
    });
}

function changed(block: unknown, [key, ...path]: Path, value: unknown): unknown {
    if (key === undefined) {
        return value;
    }
    if (Array.isArray(block)) {
        return block.map((entry, i) => (i === key ? changed(entry, path, value) : entry));
    }
    const { [key]: old, ...rest } = (block ?? {}) as Record<string | number, unknown>;
    const next = changed(old, path, value);
    return next === undefined ? rest : { ...rest, [key]: next };
}

function textsOf(values: Values): Record<string, string> {
    return Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

/** What becomes of it. */
type Verdict = "refused" | "refused without the key" | "not refused" | "a stack trace";

function verdict({ stack, values, secrets, path }: Bad): Verdict {
    const key = keyOf(path);
    try {
        parse({ stack, texts: { ...textsOf(values), ...secrets }, encrypted: new Set(Object.keys(secrets)) });
        return "not refused";
    } catch (error) {
        if (!(error instanceof SettingsError)) {
            return "a stack trace";
        }
        const isNamed = error.problems.some(
            (problem) => problem.key === key || (/^[.[]/.test(problem.key.slice(key.length)) && problem.key.startsWith(key)),
        );
        return isNamed ? "refused" : "refused without the key";
    }
}

/** The same where nobody looks: the program takes what the file says, with the defaults for what it doesn't. */
async function uncheckedVerdict({ stack, values, secrets, path }: Bad): Promise<Verdict> {
    const right = goodFiles().find((file) => file.stack === stack) as Good;
    const settings = parse({
        stack,
        texts: { ...textsOf(right.values), ...right.secrets },
        encrypted: new Set(Object.keys(right.secrets)),
    });
    const wrongValue = path.reduce<unknown>((block, key) => (block as Values | undefined)?.[key], values);
    const checked = require.cache[require.resolve("../../settings/parse")] as NodeJS.Module;
    const exports = checked.exports;
    checked.exports = { ...exports, parse: () => changed(settings, path, wrongValue) };
    const forget = () => {
        delete require.cache[require.resolve("../../settings")];
    };
    try {
        forget();
        await runProgram(stack, textsOf(values), secrets);
        return "not refused";
    } catch (error) {
        return error instanceof pulumi.RunError ? "refused without the key" : "a stack trace";
    } finally {
        checked.exports = exports;
        forget();
    }
}

interface Sizes {
    files: number;
    /** By the real engine, on the real cluster; the others by the program's own reader of settings. */
    byTheEngine: number;
    unchecked: number;
}

const sizes: Record<Form, Sizes> = {
    full: { files: 500, byTheEngine: 12, unchecked: 60 },
    short: { files: 500, byTheEngine: 1, unchecked: 10 },
};

async function trial(stage: Stage, side: Side, form: Form): Promise<Trial> {
    const { files, byTheEngine, unchecked } = sizes[form];
    const isChecked = side.kind === "ours";
    const bad = fc.sample(badFile(), { numRuns: isChecked ? files : unchecked });
    const verdicts: Verdict[] = [];
    // A program that nobody checks may leave promises behind that fail when its verdict is known already.
    const late = () => {};
    process.on("uncaughtException", late);
    for (const file of bad) {
        verdicts.push(isChecked ? verdict(file) : await uncheckedVerdict(file));
    }
    await pause(1);
    process.off("uncaughtException", late);
    const notes = bad
        .map((file, i) => ({ file, verdict: verdicts[i] }))
        .filter(({ verdict }) => isChecked && verdict !== "refused")
        .map(({ file, verdict }) => `${verdict}: ${keyOf(file.path)} of ${file.stack}`);
    const many = (wanted: Verdict) => verdicts.filter((verdict) => verdict === wanted).length;
    const group = "by the program's reader of settings";
    const counts: Count[] = [
        { group, what: "bad stack files", value: bad.length },
        { group, what: "different keys in them", value: new Set(bad.map(({ path }) => keyOf(path))).size },
        { group, what: "not refused", value: many("not refused"), goal: 0 },
        { group, what: "refused without the key's name", value: many("refused without the key"), goal: 0 },
        { group, what: "ended with a stack trace", value: many("a stack trace"), goal: 0 },
    ];
    return { counts: isChecked ? [...counts, ...(await engineCounts(await stage.product(), byTheEngine))] : counts, notes };
}

/** `pulumi up` with bad files on the stack that runs, by whose Deployments a change would be seen. */
async function engineCounts(product: Product, files: number): Promise<Count[]> {
    const { stack, cluster } = product;
    const generations = () =>
        cluster.kubectl(
            "get",
            "deployments,statefulsets,services,secrets,jobs",
            "--output=jsonpath={.items[*].metadata.uid} {.items[*].metadata.generation}",
        );
    const before = await generations();
    const bad = fc.sample(
        badFile().filter(
            (file) => file.stack === "local" && file.values.environment !== undefined && !((file.path[0] as string) in file.secrets),
        ),
        { numRuns: files },
    );
    let [refused, named, traces] = [0, 0, 0];
    for (const { path, values } of bad) {
        const block = String(path[0]);
        await stack.configure({ [`sms:${block}`]: values[block] });
        const { exitCode, output } = await stack.up();
        refused += exitCode === 0 ? 0 : 1;
        named += output.includes(keyOf(path)) ? 1 : 0;
        traces += /\n\s+at .*\.(ts|js):\d+/.test(output) ? 1 : 0;
    }
    await product.configure();
    const group = "by `pulumi up` on the running stack";
    return [
        { group, what: "bad stack files", value: bad.length },
        { group, what: "not refused", value: bad.length - refused, goal: 0 },
        { group, what: "refused without the key's name", value: bad.length - named, goal: 0 },
        { group, what: "ended with a stack trace", value: traces, goal: 0 },
        { group, what: "objects in the cluster changed", value: before === (await generations()) ? 0 : 1, goal: 0 },
    ];
}

export const configs: Experiment = {
    name: "configs",
    title: "Bad stack files",
    method: "fast-check takes the stack files of `local`, `test` and `online`, complete and right, and makes one thing wrong in each: any setting that the schema knows gets a value out of its range, of another kind or of another pattern; a key that doesn't exist is added; one that has to be there is taken away; two that can't be together are put together.",
    protections: { checks: "the settings reach the program with nobody looking at them, on the engine's mocks" },
    trial,
};
