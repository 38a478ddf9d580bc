import { z } from "zod";
import { type AddressForm, addressFault, addressVariables, hostFault, withScheme } from "./address";
import { overlap, range } from "./cidr";
import { hasPassword, namesCredential } from "./credentials";
import { isPem, isPemFile } from "./pem";
import { fits, meantQuantity, type Unit } from "./quantity";
import { queues } from "./queues";
import type { Checked } from "./rules";
import { freeVariables } from "./variables";

/** What a refused value tells its problem, beside the words. */
export interface Hint {
    /** A value that would be accepted, for the command that mends it. */
    example?: unknown;
    /** What was probably meant by the refused value, if that can be told. */
    meant?: (input: unknown) => string | undefined;
    /** The mending is to take the key away. */
    remove?: boolean;
    /** It is to be a list. */
    list?: boolean;
    /** The mending is to set it in `sms:secretEnv` instead. */
    secretEnv?: boolean;
    /** Whether the value may be a credential: then it must not be shown. */
    hidden?: boolean | ((input: unknown) => boolean);
    /** What a rule found where the file says nothing. */
    byDefault?: unknown;
}

/** One value, taken as it is or refused with what is allowed. Editors get the words too, and `form`: what JSON Schema can say of it. */
function value<T>(allowed: string, hint: Hint, form: object, accepts: (input: unknown) => boolean) {
    return z.custom<T>(accepts, { error: allowed, params: { ...hint } }).meta({ ...form, description: allowed });
}

/** An object that knows its keys: a stranger among them is refused with the names of those (see problems.ts). */
export function section<T extends z.ZodRawShape>(shape: T, alsoKnown: string[] = []) {
    const known = [...Object.keys(shape), ...alsoKnown].join(", ");
    return z.strictObject(shape, {
        error: (issue) => (issue.code === "unrecognized_keys" ? known : `a block with the keys ${known}`),
    });
}

/** What is said where `kind` is none of these, or where there is no block to have one. */
export function kinds(names: string) {
    return ({ code }: z.core.$ZodRawIssue) => (code === "invalid_union" ? names : `a block with the kind ${names}`);
}

export function wholeNumber(min: number, max: number, preset: number) {
    return givenNumber(min, max, preset).default(preset);
}

/** One that nobody can guess. */
export function givenNumber(min: number, max: number, example: number) {
    return value<number>(
        `a whole number from ${min} to ${max}, without quotes`,
        { example },
        { type: "integer", minimum: min, maximum: max },
        (input) => Number.isInteger(input) && Number(input) >= min && Number(input) <= max,
    );
}

function text(allowed: string, example: string, pattern: RegExp, hint: Hint = {}) {
    return value<string>(
        allowed,
        { example, ...hint },
        { type: "string", pattern: pattern.source, examples: [example] },
        (input) => typeof input === "string" && pattern.test(input),
    );
}

export function oneOf<const T extends string>(...names: T[]) {
    return value<T>(names.join(" or "), { example: names[0] }, { enum: names }, (input) => names.includes(input as T));
}

/** A version has to stand in quotes: YAML makes the number 7 of `7.0`. */
export function version(...versions: string[]) {
    return value<string>(
        `${versions.join(" or ")}, in quotes`,
        { example: versions[0] },
        { enum: versions },
        (input) => typeof input === "string" && versions.includes(input),
    );
}

export const trueOrFalse = value<boolean>("true or false", { example: true }, { type: "boolean" }, (input) => typeof input === "boolean");

/** A Kubernetes quantity, always as text: YAML makes a number of `cpu: 1`. */
export function quantity(unit: Unit, example: string) {
    return value<string | number>(
        `${unit.name} from ${unit.least} to ${unit.most} such as ${example}`,
        { example, meant: (input) => meantQuantity(String(input), unit) },
        { type: ["string", "number"] },
        (input) => ["string", "number"].includes(typeof input) && fits(String(input), unit),
    ).transform(String);
}

/** How many pods a rollout may add or take at a time: `25%`, or a whole number. */
export function share(preset: string | number) {
    return value<string | number>(
        "a whole number of pods from 0 to 100, or a percentage such as 25%",
        { example: preset },
        { type: ["string", "integer"] },
        (input) => /^(100|\d{1,2})%$/.test(String(input)) || (Number.isInteger(input) && Number(input) >= 0 && Number(input) <= 100),
    ).default(preset);
}

/** A key that people expect, and why it isn't there. */
export function refused(reason: string) {
    return value<undefined>(reason, { remove: true }, { not: {} }, () => false).optional();
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsName = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
const imageReference = /^([\w.-]+(:\d+)?\/)?[a-z0-9._/-]+(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/** `sms-worker-NAME` has to be a name, too. */
export const poolName = z.string().refine((name) => /^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name), {
    error: "a pool's name of lower-case letters, digits and -, 30 characters at most",
    params: { remove: true },
    abort: true,
});

const someQueues = `a list of queues: ${queues.join(", ")}`;
export const queueNames = z.array(oneOf(...queues), { error: someQueues }).min(1, { error: someQueues });

export const namespaceName = text("a name of lower-case letters, digits and -, 63 characters at most", "sms", dnsLabel);
/** One to make or to go into: Kubernetes keeps `kube-…` for itself, and `default` is everybody's. */
export const ownNamespace = text(
    "a name of lower-case letters, digits and -, 63 characters at most, other than default and kube-…",
    "sms",
    /^(?!default$|kube-)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
);
export const clusterUid = text(
    "the uid of the cluster's namespace kube-system",
    "00000000-0000-4000-8000-000000000000",
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
);
export const storageClassName = text("the name of a StorageClass (kubectl get storageclass)", "standard", dnsName);
export const registryServer = value<string>(
    "a host with an optional port from 1 to 65535: no https://, no path",
    {
        example: "registry.cn-hangzhou.aliyuncs.com",
        meant: (input) => {
            const host = String(input).replace(/^https?:\/\//, "");
            return hostFault(host) === undefined ? host : undefined;
        },
    },
    { type: "string", pattern: "^[^/]+$", examples: ["registry.cn-hangzhou.aliyuncs.com"] },
    (input) => typeof input === "string" && hostFault(input) === undefined,
);
export const repositoryName = text(
    "lower-case path such as sms or team/sms, without a tag",
    "sms",
    /^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/,
);
export const pinnedImage = text(
    "TAG@sha256:DIGEST of an image that was pushed before",
    `4c1f2a@sha256:${"0".repeat(64)}`,
    /^\w[\w.-]*@sha256:[0-9a-f]{64}$/,
);
export const accountName = text("the account's name, without spaces", "sms", /^[^\s:]+$/);
export const contextName = text("the name of a context in the kubeconfig (kubectl config get-contexts)", "my-cluster", /^\S(.*\S)?$/);
export const filePath = text("the path of a kubeconfig file, not its contents", "./kubeconfig", /^[^\n{}]+$/);

/** An image with its version written down: what runs tomorrow is what ran today. */
export function image(example: string) {
    return value<string>(
        `an image with a tag other than latest, or with a digest, such as ${example}`,
        { example },
        { type: "string", examples: [example] },
        (input) =>
            typeof input === "string" &&
            imageReference.test(input) &&
            hostFault(/^[^/]+:\d+(?=\/)/.exec(input)?.[0] ?? "docker.io") === undefined &&
            /(:[^/]+|@.+)$/.test(input) &&
            !/:latest$/.test(input),
    );
}

const labelWords = "a Kubernetes label: letters, digits, - _ and . with letters or digits at both ends, 63 characters at most";
const labelPart = /^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;

/** Marks by which Kubernetes objects are found: `release: prometheus`. */
export const labels = z.record(
    text(labelWords, "release", /^([a-z0-9][-.a-z0-9]*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/, { remove: true }),
    text(labelWords, "prometheus", labelPart),
    { error: "a block of names and texts" },
);

/** Kubernetes takes nothing but strings, so numbers and booleans become some: `true` is "true". */
const variable = value<string | number | boolean>(
    "a text, a number, true or false",
    { example: "true" },
    { type: ["string", "number", "boolean"] },
    (input) => ["string", "number", "boolean"].includes(typeof input),
);

/** Why the program keeps a name to itself, if it does. */
type Taken = (name: string) => string | undefined;

function variableName(taken: Taken) {
    return z
        .string()
        .refine((name) => /^[A-Za-z_]\w*$/.test(name), {
            error: "a name of letters, digits and _ that doesn't start with a digit",
            params: { remove: true },
            abort: true,
        })
        .refine((name) => taken(name) === undefined, {
            error: (issue) => `another name, as ${taken(String(issue.input))}`,
            params: { remove: true },
            abort: true,
        });
}

/** Names and values for processes, readable by whoever reads the file, the state or the pod: no place for credentials. */
function publicVariables(taken: Taken, instead: string, mending: Hint) {
    const params = { ...mending, hidden: true };
    return z
        .record(
            variableName(taken).refine((name) => !namesCredential(name), { error: `no name of a credential; ${instead}`, params }),
            variable
                .refine((input) => !hasPassword(String(input)), { error: `no address with a password in it; ${instead}`, params })
                .transform(String),
            { error: "a block of names and values" },
        )
        .prefault({});
}

export function plainVariables(taken: Taken) {
    return publicVariables(taken, "sms:secretEnv is the place for it, encrypted", { secretEnv: true }).check(appTakesThem);
}

export function buildArguments(taken: Taken) {
    return publicVariables(taken, "it would stay readable in the image", { remove: true });
}

export function secretVariables(taken: Taken) {
    return z.record(variableName(taken), variable, { error: "a block of names and values" }).check(appTakesThem);
}

/** What the app would refuse, each process when it starts. */
function appTakesThem({ value, issues }: Checked<Record<string, unknown>>) {
    for (const [name, schema] of appVariables.filter(([name]) => Object.hasOwn(value, name))) {
        for (const issue of schema.safeParse(String(value[name])).error?.issues ?? []) {
            issues.push({ ...issue, path: [name], input: value[name] } as (typeof issues)[number]);
        }
    }
}

/** Text that survives files, URLs and environment variables: nothing invisible in it, as a file's last line break would be. */
export function credential(minLength: number) {
    return value<string>(
        `${minLength > 1 ? `${minLength} or more characters` : "not empty"}, no line break or other control character, no space at either end`,
        {},
        { type: "string" },
        (input) => typeof input === "string" && [...input].length >= minLength && input.trim() === input && !/[\p{Cc}\p{Cs}]/u.test(input),
    );
}

/** A text without a fault. One that is more than another text is told: `""` isn't; `undefined` is none. */
function faultless(allowed: string, hint: Hint, form: object, faultIn: (text: string) => string | undefined) {
    const isGood = (input: unknown) => typeof input === "string" && faultIn(input) === undefined;
    const told = ({ input }: { input?: unknown }) => {
        const fault = typeof input === "string" ? faultIn(input) : "";
        return fault ? `${allowed}; here ${fault}` : allowed;
    };
    return z.custom<string>(isGood, { error: told, params: { ...hint } }).meta({ type: "string", ...form, description: allowed });
}

/** An address of one form. */
export function address(form: AddressForm) {
    const { words, example, schemes } = form;
    const hint: Hint = {
        example,
        meant: (input) => (typeof input === "string" ? withScheme(input, form) : undefined),
        hidden: (input) => String(input).includes("@"),
    };
    return faultless(words, hint, { pattern: `^(${schemes.join("|")})://`, examples: [example] }, (text) => addressFault(text, form));
}

const appVariables: [name: string, schema: z.ZodType][] = [
    ...Object.entries(freeVariables).map(([name, { words, example, pattern }]): [string, z.ZodType] => [
        name,
        text(words, example, pattern),
    ]),
    ...Object.entries(addressVariables).map(([name, form]): [string, z.ZodType] => [name, address(form)]),
];

export const region = text("a region of Alibaba Cloud such as cn-hangzhou", "cn-hangzhou", /^[a-z]{2}(-[a-z]+)+(-\d+)?$/);
export const zone = text("a zone such as cn-hangzhou-h or ap-southeast-1a", "cn-hangzhou-h", /^[a-z]{2}(-[a-z]+)+(-\d+[a-z]|-[a-z])$/);

/** The id of something that is there already, as its console page shows it. */
export function cloudId(of: string, prefix: string) {
    return text(`${of}: ${prefix}…`, `${prefix}123abc`, new RegExp(`^${prefix}[a-z0-9]{6,}$`));
}

export function instanceClass(example: string, pattern: RegExp) {
    return text(`an instance class of Alibaba Cloud such as ${example}`, example, pattern);
}

/** Addresses of a network: a first address and the bits that all of them share. */
export function cidr(minPrefix: number, maxPrefix: number, example: string) {
    const allowed = `a network's first address and a prefix from /${minPrefix} to /${maxPrefix} such as ${example}`;
    return faultless(allowed, { example }, { examples: [example] }, (text) => {
        const prefix = range(text)?.prefix;
        if (prefix === undefined || prefix < minPrefix || prefix > maxPrefix) {
            return "";
        }
        const kept = keptByAlibaba.find((other) => overlap(other, text));
        return kept && `it has addresses of ${kept}, which no VPC takes`;
    });
}

/** Addresses that are for the cloud itself or for no network at all. */
const keptByAlibaba = ["0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];

/** What all of Alibaba Cloud's services take for a tag. */
function tagText(longest: number, shortest: number, hint: Hint) {
    const allowed = `a text of ${shortest} to ${longest} characters that doesn't begin with aliyun or acs: and has no http:// or https:// in it`;
    return value<string>(
        allowed,
        hint,
        { type: "string", minLength: shortest, maxLength: longest },
        (input) =>
            typeof input === "string" &&
            [...input].length >= shortest &&
            [...input].length <= longest &&
            !/^(aliyun|acs:)|https?:\/\/|\p{Cc}/iu.test(input),
    );
}

/** A resource has 20 tags at most, two of which the program sets. */
const mostTags = 18;

export const tags = z
    .record(tagText(64, 1, { remove: true }), tagText(128, 0, { example: "sms" }), { error: "a block of names and texts" })
    .check(({ value, issues }) => {
        for (const name of Object.keys(value).slice(mostTags)) {
            const message = `at most ${mostTags} tags, as a resource of Alibaba Cloud has 20 at most and two are the program's`;
            issues.push({ code: "custom", path: [name], input: value[name], message, params: { remove: true } });
        }
    });

/** A whole hour of whose end nobody has to ask on which day it is. */
export function hour(preset: string) {
    return text("a whole hour in UTC from 00:00Z to 22:00Z, in quotes", preset, /^([01]\d|2[0-2]):00Z$/).default(preset);
}

export const weekDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] as const;

export const storageGb = value<number>(
    "a whole number of GB from 20 to 16000 in steps of 10, without quotes",
    { example: 20 },
    { type: "integer", minimum: 20, maximum: 16000, multipleOf: 10 },
    (input) => Number.isInteger(input) && Number(input) >= 20 && Number(input) <= 16000 && Number(input) % 10 === 0,
);

/** A replica set votes: an even number of nodes would gain nothing. */
export const replicaSetNodes = value<number>("1 or 3 or 5 or 7, without quotes", { example: 3 }, { enum: [1, 3, 5, 7] }, (input) =>
    [1, 3, 5, 7].includes(input as number),
);

/** Alibaba Cloud keeps some names for itself. */
export const redisAccount = text(
    "an account's name of lower-case letters, digits and _, 100 characters at most, other than default, admin and root",
    "sms",
    /^(?!(default|admin|root)$)[a-z][a-z0-9_]{0,99}$/,
);

export const certificateId = text("the certificate's id as its console shows it", "12345678-cn-hangzhou", /^\d+(-[a-z]{2}-[a-z0-9-]+)?$/);
export const pemText = value<string>("certificates in PEM, one after the other", { remove: true }, { type: "string" }, isPem);
export const pemFile = value<string>(
    "the path of a file with certificates in PEM, absolute or from the folder of Pulumi.yaml",
    { example: "certificates/apsaradb.pem" },
    { type: "string" },
    isPemFile,
);
export const registryInstance = text(
    "the registry instance's name: lower-case letters, digits and -, 3 to 30 characters",
    "my-registry",
    /^[a-z0-9][a-z0-9-]{1,28}[a-z0-9]$/,
);
export const registryName = text(
    "lower-case letters and digits with . _ - between them, 2 to 64 characters",
    "sms",
    /^(?=.{2,64}$)[a-z0-9]+([._-][a-z0-9]+)*$/,
);
export const logName = text("lower-case letters, digits and -, 3 to 63 characters", "my-company-sms", /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
export const accessKeyId = text("an AccessKey's id", "LTAI5t123abc", /^[\w.-]{6,}$/);
