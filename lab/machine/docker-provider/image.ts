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

/** The type of an input. `texts` is a list of strings, `map` an object with any names. A list of words allows only these words. */
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

/** The inputs after `check`, without secret marks. */
interface Image {
    imageName: string;
    build: BuildOptions & { context: string; dockerfile: string };
    registry?: { server?: string; username?: string; password?: string };
    skipPush?: boolean;
    buildOnPreview?: boolean;
}

/** The default platform. It is that of the host that runs Pulumi, not of the daemon's host. */
const hostPlatform = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;

/** The inputs with defaults and the context's digest, or the faults in them. Secrets remain secret. */
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

/** The password as a secret, even if the program passes it in plain text. */
function secretPassword({ password }: Properties): Properties {
    return password === undefined || isUnknown(password) ? {} : { password: secret(password) };
}

/**
 * The changes that need an update. No change replaces the image. A new user or password alone needs no update: the image is the same, and
 * the next push uses them.
 */
export function diff(olds: Properties, news: Properties): Change[] {
    return changes(olds, news, "", 2).filter(({ property, kind }) => {
        const isUnknownRegistry = property === "registry" && isUnknown(news.registry);
        return kind !== "update" || !(isUnknownRegistry || ["registry.username", "registry.password"].includes(property));
    });
}

/** The outputs of an update in a preview. If the name is unchanged, the preview shows the old outputs. */
export function previewUpdate(olds: Properties, news: Properties): Properties {
    return isEqual(olds.imageName, news.imageName) ? { ...olds, ...news } : news;
}

/** Whether a preview builds the image: `buildOnPreview` is set, and the name and the build's inputs are known. */
export function buildsOnPreview(news: Properties): boolean {
    return plain(news.buildOnPreview ?? false) === true && !hasUnknown(news.imageName) && !hasUnknown(news.build);
}

/** Builds and pushes the image. Returns the outputs. A preview only builds. */
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

/** All outputs except the digest. An output of a secret input is secret. */
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

/** Removes the password and the secret build arguments from the log and from errors. */
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

/** The build's folder and Dockerfile, with defaults. Empty if one of them is still unknown. */
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
    const hint = existsSync(fromContext) ? `; the path is relative to the program's folder: try ${fromContext}` : "";
    return [{ property: "build.dockerfile", reason: `There is no file ${dockerfile}${hint}` }];
}

/** The image's name must match the registry, so that the password is not sent to another registry. */
function nameFailures(news: Properties): Failure[] {
    const failures: Failure[] = [];
    const [server, username, password] = ["server", "username", "password"].map((key) => member(news.registry, key));
    if ((username === undefined) !== (password === undefined)) {
        const missing = username === undefined ? "username" : "password";
        failures.push({ property: `registry.${missing}`, reason: "Give both the user and the password, or neither for anonymous access" });
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

/** The parts of the value that have the wrong type. Unknown values are accepted. */
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
    // If a program ignores changes, the engine passes the input that check added.
    const unknown = Object.keys(value).filter((key) => !known.includes(key) && at(key) !== "build.contextDigest");
    return [
        ...unknown.map((key) => ({
            property: at(key),
            reason: `docker.Image has no such input; known here are ${known.map(at).join(", ")}`,
        })),
        ...Object.entries(shape).flatMap(([key, inner]) => shapeFailures(value[key], inner, at(key))),
    ];
}
