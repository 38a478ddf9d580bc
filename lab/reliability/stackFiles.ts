/** Generates stack files with one fault each, and returns the program's verdict on them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { addressVariables } from "../../settings/address";
import { parse } from "../../settings/parse";
import { keyOf, SettingsError } from "../../settings/problems";
import { isSecret, type Misread } from "../../settings/raw";
import { scalarKeys } from "../../settings/schema";
import { parseStackFile, rawSettings, stackFileText } from "../../settings/stackFile";
import { programVariables, reliedOnVariables } from "../../settings/variables";
import { clone } from "../../toolchain/places";
import { completed, localSecrets, onlineSecrets, stackFile, testSecrets } from "../fixtures/stackFile";
import { trickyScalars } from "../fixtures/stackFileTexts";

export type Values = Record<string, unknown>;
type Path = readonly (string | number)[];

/** A stack file with one fault. */
export interface Bad {
    stack: string;
    values: Values;
    secrets: Record<string, string>;
    /** The key that the error must name. */
    path: Path;
    /** The text in the file, if YAML reads it as another value. */
    written?: string;
}

export interface Good {
    stack: string;
    values: Values;
    secrets: Record<string, string>;
}

function good(stack: string, texts: Record<string, string>, secrets: Record<string, string>): Good {
    const values = Object.entries(texts).map(([key, text]) => [key, scalarKeys.includes(key) ? text : JSON.parse(text)]);
    return { stack, values: Object.fromEntries(values), secrets };
}

export const goodFiles = (): Good[] => [
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

/** A place in a file, its schema, and its current value. */
interface Place {
    path: Path;
    schema: Schema;
    value: unknown;
}

/** Every place in the schema, whether the file has a value there or not. */
function placesIn(path: Path, schema: Schema, value: unknown): Place[] {
    const kinds = schema.oneOf ?? schema.anyOf;
    if (kinds !== undefined) {
        const kind = (value as { kind?: unknown })?.kind;
        const chosen = kinds.find(({ properties }) => properties?.kind?.const === kind) ?? kinds[0];
        return chosen === undefined ? [] : placesIn(path, chosen, value);
    }
    const inner =
        schema.items !== undefined && Array.isArray(value)
            ? value.flatMap((entry, i) => placesIn([...path, i], schema.items as Schema, entry))
            : Object.entries(schema.properties ?? {}).flatMap(([key, property]) =>
                  // If a block is missing, its inner keys are missing too. Then only the whole block is a place.
                  value === undefined ? [] : placesIn([...path, key], property, (value as Values)[key]),
              );
    return [{ path, schema, value }, ...inner];
}

/** Built once: fast-check needs several milliseconds for each `stringMatching`. */
const word = fc.stringMatching(/^[a-z]{3,12}$/);

/** Wrong values for a place. `undefined` removes the key. */
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
                ? [word.filter((key) => !(key in (schema.properties ?? {}))).chain((key) => below(key, 1))]
                : []),
            ...(isClosed ? [] : [below("NAME", []), below("OTHER", { a: 1 })]),
            ...required.map((key) => below(key, undefined)),
        ];
    }
    if (types.includes("array")) {
        return [here(fc.constantFrom<unknown>("a text", 7, { a: 1 }))];
    }
    if (types.includes("boolean")) {
        return [here(fc.constantFrom<unknown>("yes", 1, [], ...(path.length === 1 ? [] : ["true"])))];
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
    if (schema.pattern?.endsWith("://")) {
        return [here(fc.oneof(noAddress, fc.constantFrom<unknown>(7, [], "https://me:pw@host")))];
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

/** Addresses with one fault. */
const noAddress = fc.oneof(
    fc.constantFrom(
        "",
        "host",
        "host:443",
        "https:/host",
        "https://",
        "https://:443",
        "https://a b",
        "ftp://host",
        "https://127.0.0.1",
        "https://host#x",
    ),
    fc.oneof(fc.constant(0), fc.integer({ min: 65536, max: 99999 })).map((port) => `https://host:${port}`),
);

/** A password that is not percent-encoded for a URL. */
const unencoded = fc
    .tuple(fc.stringMatching(/^[a-z0-9]{0,5}$/), fc.constantFrom(..."#?/@%[ ä"), fc.stringMatching(/^[g-z]{0,5}$/))
    .map((parts) => parts.join(""));

/** The blocks whose variables are set in pods. */
const variablePlaces = fc.constantFrom<Path>(["env"], ["web", "env"], ["worker", "env"], ["beat", "env"], ["workerPools", "bulk", "env"]);
const takenNames = [...Object.keys(programVariables), ...Object.keys(reliedOnVariables), "CELERY_BROKER_URL", "PATH", "BROKER_URL"];
const variables: fc.Arbitrary<{ path: Path; value: unknown }>[] = [
    fc.tuple(variablePlaces, fc.constantFrom(...takenNames), fc.boolean()).map(([place, name, isLower]) => ({
        path: [...place, isLower && name in programVariables ? name.toLowerCase() : name],
        value: "x",
    })),
    fc
        .tuple(variablePlaces, fc.constantFrom(...Object.keys(addressVariables)), noAddress)
        .map(([place, name, value]) => ({ path: [...place, name], value })),
];

/** Namespaces that belong to Kubernetes in every cluster. */
const othersNamespaces = fc
    .constantFrom("default", "kube-system", "kube-public", "kube-node-lease", "kube-x")
    .map((value) => ({ path: ["namespace"], value }));

/** Values that the cloud refuses, independent of the rest of the file. */
const refusedThere: fc.Arbitrary<{ path: Path; value: unknown }>[] = [
    fc
        .tuple(
            fc.constantFrom("podCidr", "serviceCidr"),
            fc.constantFrom("100.64.0.0/16", "127.0.0.0/8", "169.254.0.0/20", "224.0.0.0/8", "0.0.0.0/8"),
        )
        .map(([key, value]) => ({ path: ["network", key], value })),
    fc.constantFrom("aliyun", "acs:x", "x".repeat(65), "http://x").map((key) => ({ path: ["alibaba", "tags", key], value: "x" })),
    fc.constantFrom("ALIYUN", "acs:x", "x".repeat(129), "see https://x").map((value) => ({ path: ["alibaba", "tags", "team"], value })),
];

/** Two settings that are valid alone but contradict each other. */
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
    fc
        .tuple(
            fc.constantFrom("web", "worker", "beat"),
            fc.constantFrom<[string, Values]>(
                ["operator", { effect: "NoSchedule" }],
                ["operator", { operator: "Equal", value: "x" }],
                ["value", { key: "dedicated", operator: "Exists", value: "x" }],
                ["effect", { key: "dedicated", tolerationSeconds: 60 }],
                ["effect", { key: "dedicated", effect: "NoSchedule", tolerationSeconds: 60 }],
            ),
        )
        .map(([workload, [key, toleration]]) => ({
            values: { [workload]: { placement: { tolerations: [toleration] } } },
            path: [workload, "placement", "tolerations", 0, key],
        })),
    fc.constantFrom("kubernetes.io/os", "kubernetes.io/arch", "a b", "-x", "x/").map((label) => ({
        values: { placement: { nodeSelector: { [label]: "x" } } },
        path: ["placement", "nodeSelector", label],
    })),
    fc.constantFrom("staging", "live-eu", "7").map((environment) => ({ values: { environment }, path: ["production"] })),
    fc.constantFrom("online", "test", "local").map((environment) => ({
        values: { environment, production: String(environment !== "online") },
        path: ["production"],
    })),
    fc.constantFrom("monitoring", "observability").map((namespace) => ({
        values: { namespace, networkPolicies: { metricsFrom: namespace } },
        path: ["namespace"],
    })),
];

/** External stores whose URL has a fault: a password that is not percent-encoded, an invalid port, or localhost. */
function badUrl({ stack, values, secrets }: Good): fc.Arbitrary<Bad> {
    const url = fc.oneof(
        unencoded.map((password) => `://sms:${password}@store.example.com/`),
        fc.integer({ min: 65536, max: 99999 }).map((port) => `://sms:secret@store.example.com:${port}/`),
        fc.constant("://sms:secret@localhost/"),
    );
    return fc.tuple(fc.constantFrom("redis", "mongo"), url).map(([store, url]) => {
        const { [`${store}Password`]: _, ...left } = secrets;
        const key = `${store}Url`;
        const scheme = store === "redis" ? "redis" : "mongodb";
        return { stack, values: { ...values, [store]: { kind: "external" } }, secrets: { ...left, [key]: `${scheme}${url}` }, path: [key] };
    });
}

/** A variable without quotes in the file, which YAML reads as another text. */
function misreadVariable({ stack, values, secrets }: Good): fc.Arbitrary<Bad> {
    return fc.tuple(variablePlaces, fc.constantFrom(...misreadScalars)).map(([place, { written, read }]) => {
        const path = [...place, "VALUE"];
        return { stack, values: changed(values, path, read) as Values, secrets, path, written };
    });
}

/** Scalars that YAML reads as another value if they have no quotes. */
const misreadScalars: Misread[] = trickyScalars.flatMap((scalar) => parseStackFile(`config:\n  value: ${scalar}\n`).misread ?? []);

export function badFile(): fc.Arbitrary<Bad> {
    const { properties } = JSON.parse(readFileSync(join(clone, "settings", "stack-file.schema.json"), "utf8")) as Schema;
    const blocks = Object.entries(properties?.config?.properties ?? {}).filter(([key]) => key.startsWith("sms:"));
    return fc.constantFrom(...goodFiles()).chain((good) => {
        const { stack, values, secrets } = good;
        const known = blocks
            .filter(([key]) => !isSecret(key.slice("sms:".length)))
            .flatMap(([key, schema]) => placesIn([key.slice("sms:".length)], schema, values[key.slice("sms:".length)]));
        const oneWrong = fc
            .constantFrom(...known)
            .chain((place) => {
                const ways = wrong(place);
                return ways.length === 0 ? fc.constant(undefined) : fc.oneof(...ways);
            })
            .filter((change) => change !== undefined)
            .map(({ path, value }) => ({ stack, values: changed(values, path, value) as Values, secrets, path }));
        const unknown = word
            .filter((key) => !blocks.some(([known]) => known === `sms:${key}`))
            .map((key) => ({ stack, values: { ...values, [key]: "1" }, secrets, path: [key] }));
        const noSecret = fc.constantFrom(...Object.keys(secrets).filter((key) => key !== "secretEnv")).map((key) => {
            const { [key]: _, ...left } = secrets;
            return { stack, values, secrets: left, path: [key] };
        });
        const together = fc
            .oneof(...contradictions)
            .map((contradiction) => ({ stack, values: { ...values, ...contradiction.values }, secrets, path: contradiction.path }));
        const given = fc
            .oneof(othersNamespaces, ...variables, ...(stack === "local" ? [] : refusedThere))
            .map(({ path, value }) => ({ stack, values: changed(values, path, value) as Values, secrets, path }));
        return fc.oneof(
            { weight: 20, arbitrary: oneWrong },
            { weight: 5, arbitrary: given },
            { weight: 2, arbitrary: badUrl(good) },
            { weight: 3, arbitrary: misreadVariable(good) },
            { weight: 2, arbitrary: unknown },
            { weight: 1, arbitrary: noSecret },
            { weight: 2, arbitrary: together },
        );
    });
}

export function changed(block: unknown, [key, ...path]: Path, value: unknown): unknown {
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

export function textsOf(values: Values): Record<string, string> {
    return Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

/** The program's reaction to a bad file. */
export type Verdict = "refused" | "refused without the key" | "not refused" | "a stack trace";

export function verdict({ stack, values, secrets, path, written }: Bad): Verdict {
    const key = keyOf(path);
    try {
        const raw = rawSettings(stack, parseStackFile(fileText({ values, path, written })));
        parse({ ...raw, texts: { ...raw.texts, ...secrets }, encrypted: new Set(Object.keys(secrets)) });
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

/** The text of the stack file. `written` is put in without quotes. */
function fileText({ values, path, written }: Pick<Bad, "values" | "path" | "written">): string {
    const mark = "written without quotes";
    const config = Object.entries(written === undefined ? values : (changed(values, path, mark) as Values)).map(([key, value]) => [
        `sms:${key}`,
        value,
    ]);
    return stackFileText({ config: Object.fromEntries(config) }).replace(JSON.stringify(mark), written ?? "");
}
