import { version } from "@pulumi/docker/package.json";
import { type Provider, type Subject, serve } from "../provider/serve";
import { plain } from "../provider/values";
import { Engine } from "./build";
import { buildsOnPreview, check, diff, imageType, make, previewUpdate } from "./image";

/** A stand-in for the official docker plugin if that can't be installed. It supports only `docker.Image`. */
const stopping = new AbortController();
const engine = new Engine(stopping.signal);

const provider: Provider = {
    version,
    checkConfig: (settings) => ({
        inputs: settings,
        failures: Object.keys(settings)
            .filter((name) => !["version", "pluginDownloadURL"].includes(name) && !name.startsWith("__"))
            .map((property) => ({
                property,
                reason: "This stand-in for the docker plugin has no settings: DOCKER_HOST says where the daemon is",
            })),
    }),
    configure: async () => {
        // With the variable, a preview builds nothing and needs no daemon. Otherwise a missing daemon is reported here, at once.
        if (process.env.SMS_PREVIEW_WITHOUT_DAEMON === undefined) {
            await engine.ping();
        }
    },
    invoke: async (token) => {
        throw onlyImages(`the function ${token}`);
    },
    check: (subject, news) => {
        ensureImage(subject);
        return check(news);
    },
    diff: (subject, old, news) => {
        ensureImage(subject);
        return diff(old.inputs, news);
    },
    create: async (subject, news, isPreview) => {
        ensureImage(subject);
        if (isPreview && !buildsOnPreview(news)) {
            return { outputs: news };
        }
        return { id: String(plain(news.imageName ?? "")), outputs: await make(news, engine, subject.log, isPreview) };
    },
    update: async (subject, old, news, isPreview) => {
        ensureImage(subject);
        return isPreview && !buildsOnPreview(news) ? previewUpdate(old.outputs, news) : make(news, engine, subject.log, isPreview);
    },
    read: async (subject, old) => {
        ensureImage(subject);
        return old;
    },
    // Like the official plugin: it deletes neither tags nor images.
    delete: async (subject) => ensureImage(subject),
    cancel: () => stopping.abort(new Error("Canceled")),
};

function ensureImage({ type }: Subject): void {
    if (type !== imageType) {
        throw onlyImages(type);
    }
}

function onlyImages(asked: string): Error {
    return new Error(
        `This stands in for the docker plugin, which can't be installed here, and only does docker.Image (${imageType}), not ${asked}`,
    );
}

serve(provider);
