import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Change, changes, isEqual } from "../provider/changes";
import type { Checked, Failure, Log } from "../provider/serve";
import {
    amend,
    hasUnknown,
    isObject,
    isSecret,
    isUnknown,
    member,
    type Properties,
    plain,
    secret,
    type Value,
    withoutNulls,
} from "../provider/values";
import type { Builder, BuildOptions, Registry } from "./build";
import { contextDigest, dockerfileInContext, readContext } from "./context";
import { parseImageName, registryHost } from "./imageName";

export const imageType = "docker:index/image:Image";

/** What an input may be: `texts` is a list, `map` has any names, a list of words allows just these. */
type Shape = "text" | "flag" | "texts" | "map" | readonly string[] | { readonly [key: string]: Shape };

const inputs = {
    imageName: "text",
    build: {
        context: "text",
        dockerfile: "text",
        args: "map",
        target: "text",
        platform: "text",
        cacheFrom: { images: "texts" },
        builderVersion: ["BuilderBuildKit", "BuilderV1"],
        network: "text",
        addHosts: "texts",
    },
    registry: { server: "text", username: "text", password: "text" },
    skipPush: "flag",
    buildOnPreview: "flag",
} as const satisfies Shape;

/** Inputs as `check` leaves them, without marks. */
interface Image {
    imageName: string;
    build: BuildOptions & { context: string; dockerfile: string };
    registry?: { server?: string; username?: string; password?: string };
    skipPush?: boolean;
    buildOnPreview?: boolean;
}

/** Without a platform an image is for the architecture of the machine that runs Pulumi, not of the daemon's. */
const hostPlatform = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;

/** The inputs with defaults and the context's digest, or what is wrong with them. Secrets stay secrets. */
export async function check(news: Properties): Promise<Checked> {
    const given = withoutNulls(news);
    const misshapen = shapeFailures(given, inputs, "");
    const failures = misshapen.length > 0 ? misshapen : [...nameFailures(given), ...contextFailures(given)];
    if (failures.length > 0) {
        return { inputs: given, failures };
    }
    const digest = await digestOf(given);
    const checked: Properties = {
        buildOnPreview: false,
        ...given,
        build: amend(given.build, (build) => ({
            platform: hostPlatform,
            ...defaultsOf(given),
            ...build,
            ...(digest && { contextDigest: digest }),
        })),
    };
    if (given.registry !== undefined) {
        checked.registry = amend(given.registry, (registry) => ({ ...registry, ...secretPassword(registry) }));
    }
    return { inputs: checked, failures };
}

/** The password as a secret, also if the program didn't make it one. */
function secretPassword({ password }: Properties): Properties {
    return password === undefined || isUnknown(password) ? {} : { password: secret(password) };
}

/**
 * What an update would be for; nothing is ever replaced. Another user or password alone is nothing: the image
 * is the same, and the next push uses them.
 */
export function diff(olds: Properties, news: Properties): Change[] {
    return changes(olds, news, "", 2).filter(({ property, kind }) => {
        const isUnknownRegistry = property === "registry" && isUnknown(news.registry);
        return kind !== "update" || !(isUnknownRegistry || ["registry.username", "registry.password"].includes(property));
    });
}

/** What a preview knows of an update: with the same name all stays as it was until the update has run. */
export function previewUpdate(olds: Properties, news: Properties): Properties {
    return isEqual(olds.imageName, news.imageName) ? { ...olds, ...news } : news;
}

/** Whether a preview can build: it is asked to, and knows what. */
export function buildsOnPreview(news: Properties): boolean {
    return plain(news.buildOnPreview ?? false) === true && !hasUnknown(news.imageName) && !hasUnknown(news.build);
}

/** Builds, pushes and gives the outputs. A preview only builds. */
export async function make(news: Properties, builder: Builder, log: Log, isPreview: boolean): Promise<Properties> {
    const { imageName, build, skipPush, ...image } = plain(news) as unknown as Image;
    const registry = registryOf(imageName, image.registry);
    const hush = hushed(news, log);
    try {
        hush.log(`Building ${imageName}`);
        const context = await readContext(build.context, build.dockerfile);
        const id = await builder.build(imageName, context, build, registry, hush.log);
        const outputs = outputsOf(news);
        if (isPreview) {
            return outputs;
        }
        if (skipPush) {
            return { ...outputs, repoDigest: id };
        }
        hush.log(`Pushing ${imageName}`);
        const digest = await builder.push(imageName, registry, hush.log);
        return { ...outputs, repoDigest: `${parseImageName(imageName).repository}@${digest}` };
    } catch (error) {
        throw new Error(hush.text((error as Error).message));
    }
}

/** All outputs but the digest. What comes from a secret is one. */
function outputsOf(news: Properties): Properties {
    const { imageName, build, registry } = plain(news) as unknown as Image;
    const as = (source: Value | undefined, value: string) => (isSecret(source) ? secret(value) : value);
    return {
        imageName: news.imageName as Value,
        baseImageName: as(news.imageName, imageName),
        registryServer: as(member(news.registry, "server"), registry?.server ?? ""),
        context: as(member(news.build, "context"), build.context),
        dockerfile: as(member(news.build, "dockerfile"), dockerfileInContext(build.context, build.dockerfile)),
        platform: as(member(news.build, "platform"), build.platform ?? hostPlatform),
    };
}

/** The log and the errors, without the password and the secret build arguments. */
function hushed(news: Properties, log: Log): { log: Log; text(text: string): string } {
    const args = member(news.build, "args");
    const names = Object.keys(isObject(args) ? (plain(args) as Properties) : {});
    const secrets = [member(news.registry, "password"), ...names.map((name) => member(args, name)).filter(isSecret)]
        .map((value) => plain(value ?? ""))
        .filter((value): value is string => typeof value === "string" && value !== "");
    const text = (said: string) => secrets.reduce((rest, value) => rest.replaceAll(value, "[secret]"), said);
    return { text, log: (line) => log(text(line)) };
}

function registryOf(imageName: string, registry: Image["registry"]): Registry {
    const { server, username, password } = registry ?? {};
    const host = server ? registryHost(server) : parseImageName(imageName).host;
    return username && password ? { host, credentials: { username, password } } : { host };
}

/** The build's folder and Dockerfile, as given or by default; nothing of what isn't known yet. */
function defaultsOf(news: Properties): { context?: string; dockerfile?: string } {
    const context = plain(member(news.build, "context") ?? ".");
    const dockerfile = plain(member(news.build, "dockerfile") ?? join(String(context), "Dockerfile"));
    return hasUnknown([context, dockerfile]) ? {} : { context: String(context), dockerfile: String(dockerfile) };
}

async function digestOf(news: Properties): Promise<string | undefined> {
    const { context, dockerfile } = defaultsOf(news);
    return context === undefined || dockerfile === undefined ? undefined : contextDigest(await readContext(context, dockerfile));
}

function contextFailures(news: Properties): Failure[] {
    const { context, dockerfile } = defaultsOf(news);
    if (context === undefined || dockerfile === undefined) {
        return [];
    }
    if (!existsSync(context)) {
        return [{ property: "build.context", reason: `There is no folder ${context}` }];
    }
    if (existsSync(dockerfile)) {
        return [];
    }
    const fromContext = join(context, dockerfile);
    const hint = existsSync(fromContext) ? `; its path starts where the program runs: try ${fromContext}` : "";
    return [{ property: "build.dockerfile", reason: `There is no file ${dockerfile}${hint}` }];
}

/** The image's name and the registry have to go together, lest the password goes to another registry. */
function nameFailures(news: Properties): Failure[] {
    const failures: Failure[] = [];
    const [server, username, password] = ["server", "username", "password"].map((key) => member(news.registry, key));
    if ((username === undefined) !== (password === undefined)) {
        const missing = username === undefined ? "username" : "password";
        failures.push({ property: `registry.${missing}`, reason: "The user and the password go together; without both, as anybody" });
    }
    const isLocal = plain(news.skipPush ?? false) === true && member(news.build, "cacheFrom") === undefined;
    if (isLocal || hasUnknown(news.imageName) || hasUnknown(server)) {
        return failures;
    }
    const imageName = String(plain(news.imageName ?? ""));
    const { host, isQualified } = parseImageName(imageName);
    if (!isQualified && server === undefined) {
        failures.push({ property: "imageName", reason: `${imageName} names no registry: for Docker Hub write docker.io/${imageName}` });
    } else if (server !== undefined && registryHost(String(plain(server))) !== host) {
        failures.push({ property: "registry.server", reason: `${imageName} lies in the registry ${host}, not in ${plain(server)}` });
    }
    return failures;
}

/** Where the value isn't of the shape. Whatever isn't known yet is. */
function shapeFailures(value: Value | undefined, shape: Shape, property: string): Failure[] {
    if (isSecret(value)) {
        return shapeFailures(value.value, shape, property);
    }
    if (value === undefined || isUnknown(value)) {
        return property === "imageName" && value === undefined ? [{ property, reason: "An image needs a name" }] : [];
    }
    const fails = (wanted: string) => [{ property, reason: `This has to be ${wanted}` }];
    const isText = (inner: Value) => typeof plain(inner) === "string";
    if (shape === "text") {
        return isText(value) ? [] : fails("a text");
    }
    if (shape === "flag") {
        return typeof value === "boolean" ? [] : fails("true or false");
    }
    if (shape === "texts") {
        return Array.isArray(value) && value.every(isText) ? [] : fails("a list of texts");
    }
    if (shape === "map") {
        return isObject(value) && Object.values(value).every(isText) ? [] : fails("an object of texts");
    }
    if (Array.isArray(shape)) {
        return shape.includes(value) ? [] : fails(shape.join(" or "));
    }
    if (!isObject(value)) {
        return fails("an object");
    }
    const known = Object.keys(shape);
    const at = (key: string) => (property === "" ? key : `${property}.${key}`);
    // The engine hands back what check added where a program ignores changes.
    const unknown = Object.keys(value).filter((key) => !known.includes(key) && at(key) !== "build.contextDigest");
    return [
        ...unknown.map((key) => ({
            property: at(key),
            reason: `docker.Image has no such input; known here are ${known.map(at).join(", ")}`,
        })),
        ...Object.entries(shape).flatMap(([key, inner]) => shapeFailures(value[key], inner, at(key))),
    ];
}
