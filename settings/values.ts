import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type AddressForm, addressFault, addressVariables, hostFault, withScheme } from "./address";
import { atProgram } from "./atProgram";
import { overlap, range } from "./cidr";
import { hasPassword, namesCredential } from "./credentials";
import type { Hint } from "./hint";
import { isPem, isPemFile } from "./pem";
import { fits, meantQuantity, type Unit } from "./quantity";
import { queues } from "./queues";
import { type Checked, tolerationIsWhole } from "./rules";
import { freeVariables } from "./variables";

/** One value. It is accepted as it is, or refused with the allowed values. Editors get these words too, and `form`, its JSON Schema. */
function value<T>(allowed: string, hint: Hint, form: object, accepts: (input: unknown) => boolean) {
    return z.custom<T>(accepts, { error: allowed, params: { ...hint } }).meta({ ...form, description: allowed });
}

/** An object with known keys. An unknown key is refused with the names of the known keys (see problems.ts). */
export function section<T extends z.ZodRawShape>(shape: T, alsoKnown: string[] = []) {
    const known = [...Object.keys(shape), ...alsoKnown].join(", ");
    return z.strictObject(shape, {
        error: (issue) => (issue.code === "unrecognized_keys" ? known : `a block with the keys ${known}`),
    });
}

/** The message if `kind` is none of these, or if there is no block. */
export function kinds(names: string) {
    return ({ code }: z.core.$ZodRawIssue) => (code === "invalid_union" ? names : `a block with the kind ${names}`);
}

export function wholeNumber(min: number, max: number, preset: number) {
    return givenNumber(min, max, preset).default(preset);
}

/** A whole number without a default. */
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

/** A version must be in quotes, because YAML reads `7.0` as the number 7. */
export function version(...versions: string[]) {
    return value<string>(
        `${versions.join(" or ")}, in quotes`,
        { example: versions[0] },
        { enum: versions },
        (input) => typeof input === "string" && versions.includes(input),
    );
}

export const trueOrFalse = value<boolean>("true or false", { example: true }, { type: "boolean" }, (input) => typeof input === "boolean");

/** A Kubernetes quantity, always as text. YAML reads `cpu: 1` as a number. */
export function quantity(unit: Unit, example: string) {
    return value<string | number>(
        `${unit.name} from ${unit.least} to ${unit.most} such as ${example}`,
        { example, meant: (input) => meantQuantity(String(input), unit) },
        { type: ["string", "number"] },
        (input) => ["string", "number"].includes(typeof input) && fits(String(input), unit),
    ).transform(String);
}

/** How many pods a rollout may add or remove at a time: `25%`, or a whole number. */
export function share(preset: string | number) {
    return value<string | number>(
        "a whole number of pods from 0 to 100, or a percentage such as 25%",
        { example: preset },
        { type: ["string", "integer"] },
        (input) => /^(100|\d{1,2})%$/.test(String(input)) || (Number.isInteger(input) && Number(input) >= 0 && Number(input) <= 100),
    ).default(preset);
}

/** A key that users may expect, and why it doesn't exist. */
export function refused(reason: string) {
    return value<undefined>(reason, { remove: true }, { not: {} }, () => false).optional();
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsName = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
const imageReference = /^([\w.-]+(:\d+)?\/)?[a-z0-9._/-]+(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/;

/** `sms-worker-NAME` must be a name too. */
export const poolName = z.string().refine((name) => /^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name), {
    error: "a pool's name of lower-case letters, digits and -, 30 characters at most",
    params: { remove: true },
    abort: true,
});

const someQueues = `a list of queues: ${queues.join(", ")}`;
export const queueNames = z.array(oneOf(...queues), { error: someQueues }).min(1, { error: someQueues });

/** The ids of the client's messages begin with this name. */
export const clientName = text(
    "a client's name of lower-case letters, digits and -, 30 characters at most",
    "shop",
    /^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/,
    { remove: true },
);
export const tokenHashes = text(
    "none, or the SHA-256 of one token or two, as npm run clients writes it",
    "none",
    /^(none|[0-9a-f]{64}(,[0-9a-f]{64})?)$/,
    { hidden: true },
);

/** Together with an environment's name, it must not be longer than the name of a Redis instance may be. */
export const productName = text(
    "a name of lower-case letters, digits and -, with a letter at its beginning, 16 characters at most",
    "sms",
    /^[a-z]([-a-z0-9]{0,14}[a-z0-9])?$/,
);
export const environmentName = text("a name of lower-case letters, digits and -, 63 characters at most", "online", dnsLabel);
export const namespaceName = text("a name of lower-case letters, digits and -, 63 characters at most", "sms", dnsLabel);
/** A namespace to create or to use. Kubernetes reserves `kube-…`, and everybody uses `default`. */
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
export const buildContext = value<string>(
    "the path of a folder with a Dockerfile, absolute or from the folder of Pulumi.yaml",
    { example: "app" },
    { type: "string", examples: ["app"] },
    (input) => typeof input === "string" && existsSync(join(atProgram(input), "Dockerfile")),
);
export const pinnedImage = text(
    "TAG@sha256:DIGEST of an image that was pushed before",
    `4c1f2a@sha256:${"0".repeat(64)}`,
    /^\w[\w.-]*@sha256:[0-9a-f]{64}$/,
);
/** The whole reference, as nodes pull it. Without a host it would be an image of Docker Hub. */
export const givenImage = faultless(
    "HOST/REPOSITORY:TAG@sha256:DIGEST of an image in a registry",
    { example: `registry.example.com/sms:1.0@sha256:${"0".repeat(64)}` },
    { pattern: "@sha256:[0-9a-f]{64}$", examples: [`registry.example.com/sms:1.0@sha256:${"0".repeat(64)}`] },
    (reference) => {
        const [, host = "", repository = ""] = /^([^/]+)\/(.*)$/.exec(reference) ?? [];
        if (!/[.:]/.test(host) || hostFault(host) !== undefined) {
            return "it doesn't begin with a registry's host";
        }
        return /^[a-z0-9._/-]+(:\w[\w.-]{0,127})?@sha256:[0-9a-f]{64}$/.test(repository) ? undefined : "it doesn't end with @sha256:DIGEST";
    },
);
export const accountName = text("the account's name, without spaces", "sms", /^[^\s:]+$/);
export const contextName = text("the name of a context in the kubeconfig (kubectl config get-contexts)", "my-cluster", /^\S(.*\S)?$/);
export const filePath = text("the path of a kubeconfig file, not its contents", "./kubeconfig", /^[^\n{}]+$/);

/** An image with a fixed version, so that tomorrow the same image runs as today. */
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

/** Labels by which Kubernetes objects are selected: `release: prometheus`. */
export const labels = z.record(
    text(labelWords, "release", /^([a-z0-9][-.a-z0-9]*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/, { remove: true }),
    text(labelWords, "prometheus", labelPart),
    { error: "a block of names and texts" },
);

/** A name with an optional domain as its prefix, as keys of labels and taints have it. */
const qualifiedName =
    /^((?=[^/]{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const labelKey = text(labelWords, "pool", qualifiedName, { remove: true });

/** Without quotes YAML may read a number or a boolean. Kubernetes accepts neither. */
const labelValue = value<string>(
    `${labelWords}, or ""; a number, true and false in quotes`,
    { example: "sms", meant: (input) => (["number", "boolean"].includes(typeof input) ? String(input) : undefined) },
    { type: "string", pattern: "^([A-Za-z0-9]([-\\w.]{0,61}[A-Za-z0-9])?)?$" },
    (input) => typeof input === "string" && (input === "" || labelPart.test(input)),
);

/** The node labels that the program itself sets, from the image's platform. */
const platformLabels = ["kubernetes.io/os", "kubernetes.io/arch"];

/** The labels that a node must have, all of them. */
export const nodeSelector = z.record(
    labelKey.refine((key) => !platformLabels.includes(key), {
        error: "another label, as the program sets this one by sms:image.platform",
        params: { remove: true },
    }),
    labelValue,
    { error: "a block of labels of nodes (kubectl get nodes --show-labels)" },
);

const taintKey = text("a taint's key (kubectl describe node)", "dedicated", qualifiedName);

/** A pod's toleration of one taint or several. */
export const toleration = section({
    key: taintKey.optional(),
    operator: oneOf("Exists", "Equal").optional(),
    value: labelValue.optional(),
    effect: oneOf("NoSchedule", "PreferNoSchedule", "NoExecute").optional(),
    tolerationSeconds: givenNumber(0, 31_536_000, 300).optional(),
}).check(tolerationIsWhole);

export const priorityClassName = text("the name of a PriorityClass (kubectl get priorityclass)", "sms-serving", dnsName);

const roleName = /^[\w.-]{1,64}$/;

export const ramRole = value<string>(
    "a RAM role's name of letters, digits and . _ -, 64 characters at most, not its ARN",
    { example: "sms-pods", meant: (input) => /:role\/([\w.-]{1,64})$/.exec(String(input))?.[1] },
    { type: "string", pattern: roleName.source, examples: ["sms-pods"] },
    (input) => typeof input === "string" && roleName.test(input),
);

/** Kubernetes accepts only strings, so numbers and booleans become strings: `true` is "true". */
const variable = value<string | number | boolean>(
    "a text, a number, true or false",
    { example: "true" },
    { type: ["string", "number", "boolean"] },
    (input) => ["string", "number", "boolean"].includes(typeof input),
);

/** Why the program reserves a name, or undefined. */
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

/** Names and values for processes. All readers of the file, the state or the pod see them, so they must not be credentials. */
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
    return publicVariables(taken, "put it into sms:secretEnv, encrypted", { secretEnv: true }).check(appTakesThem);
}

export function buildArguments(taken: Taken) {
    return publicVariables(taken, "it would stay readable in the image", { remove: true });
}

export function secretVariables(taken: Taken) {
    return z.record(variableName(taken), variable, { error: "a block of names and values" }).check(appTakesThem);
}

/** Refuses the values that each process of the app would refuse when it starts. */
function appTakesThem({ value, issues }: Checked<Record<string, unknown>>) {
    for (const [name, schema] of appVariables.filter(([name]) => Object.hasOwn(value, name))) {
        for (const issue of schema.safeParse(String(value[name])).error?.issues ?? []) {
            issues.push({ ...issue, path: [name], input: value[name] } as (typeof issues)[number]);
        }
    }
}

/** Text that stays the same in files, URLs and environment variables. It has no invisible characters, such as a file's last line break. */
export function credential(minLength: number) {
    return value<string>(
        `${minLength > 1 ? `${minLength} or more characters` : "not empty"}, no line break or other control character, no space at either end`,
        {},
        { type: "string" },
        (input) => typeof input === "string" && [...input].length >= minLength && input.trim() === input && !/[\p{Cc}\p{Cs}]/u.test(input),
    );
}

/**
 * A text without a fault. `faultIn` returns a reason that the message adds, or `""` for a fault without a reason. If it returns undefined,
 * there is no fault.
 */
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
    return faultless(words, hint, { pattern: `^(${schemes.join("|").replaceAll("+", "\\+")})://`, examples: [example] }, (text) =>
        addressFault(text, form),
    );
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

/** The id of an existing resource, as its console page shows it. */
export function cloudId(of: string, prefix: string) {
    return text(`${of}: ${prefix}…`, `${prefix}123abc`, new RegExp(`^${prefix}[a-z0-9]{6,}$`));
}

export function instanceClass(example: string, pattern: RegExp) {
    return text(`an instance class of Alibaba Cloud such as ${example}`, example, pattern);
}

/** A network in CIDR notation: its first address, and the number of bits that all its addresses share. */
export function cidr(minPrefix: number, maxPrefix: number, example: string) {
    const allowed = `a network's first address and a prefix from /${minPrefix} to /${maxPrefix} such as ${example}`;
    return faultless(allowed, { example }, { examples: [example] }, (text) => {
        const prefix = range(text)?.prefix;
        if (prefix === undefined || prefix < minPrefix || prefix > maxPrefix) {
            return "";
        }
        const kept = keptByAlibaba.find((other) => overlap(other, text));
        return kept && `it has addresses of ${kept}, which no VPC accepts`;
    });
}

/** Addresses that the cloud keeps for itself, or that no network can have. */
const keptByAlibaba = ["0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];

/** A text that all of Alibaba Cloud's services accept in a tag. */
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

/** A resource has at most 20 tags, and the program sets two of them. */
const mostTags = 18;

export const tags = z
    .record(tagText(64, 1, { remove: true }), tagText(128, 0, { example: "sms" }), { error: "a block of names and texts" })
    .check(({ value, issues }) => {
        for (const name of Object.keys(value).slice(mostTags)) {
            const message = `at most ${mostTags} tags, as a resource of Alibaba Cloud has 20 at most and two are the program's`;
            issues.push({ code: "custom", path: [name], input: value[name], message, params: { remove: true } });
        }
    });

/** A whole hour that ends on the day on which it begins. */
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

/** The nodes of a replica set vote, so an even number of nodes has no advantage. */
export const replicaSetNodes = value<number>("1 or 3 or 5 or 7, without quotes", { example: 3 }, { enum: [1, 3, 5, 7] }, (input) =>
    [1, 3, 5, 7].includes(input as number),
);

/** Alibaba Cloud reserves some names. */
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
