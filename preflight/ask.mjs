/**
 * Sends requests to a cluster's API server, which it reaches as kubectl does. It is a separate process, because the library takes half a
 * second to load and a kubeconfig's command may hang. It reads a request from stdin. It writes the answers to stdout, or the reason for a
 * failure to stderr.
 */
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { register } from "node:module";
import { homedir } from "node:os";
import { delimiter, dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";

// The library's reader of kubeconfigs loads all API clients, which takes half a second. This process uses none of them.
const none = "data:text/javascript,export const createConfiguration = undefined, ServerConfiguration = undefined";
const resolveHook = `export const resolve = (name, context, next) =>
    name === "./gen/index.js" ? { url: ${JSON.stringify(none)}, shortCircuit: true } : next(name, context)`;
register(`data:text/javascript,${encodeURIComponent(resolveHook)}`);
const { KubeConfig } = await import("@kubernetes/client-node/dist/config.js");

const { access, paths, timeoutMs } = JSON.parse(readFileSync(0, "utf8"));

function configOf({ content, kubeconfig, context }) {
    const config = new KubeConfig();
    if (content !== undefined) {
        load(config, content, ".");
        config.setCurrentContext(parse(content)["current-context"] ?? "");
    } else {
        const files = kubeconfig ?? process.env.KUBECONFIG ?? "~/.kube/config";
        for (const file of files.split(delimiter).map(fromHome)) {
            if (file !== "" && existsSync(file)) {
                load(config, readFileSync(file, "utf8"), dirname(file));
            }
        }
        config.setCurrentContext(context);
    }
    const { cluster, user } = found("context", config.getCurrentContext(), config.contexts);
    found("cluster", cluster, config.clusters);
    const { exec } = found("user", user, config.users);
    if (exec) {
        // The library doesn't set this variable for the command, but kubectl does.
        const value = JSON.stringify({ apiVersion: exec.apiVersion, kind: "ExecCredential", spec: { interactive: false } });
        exec.env = [...(exec.env ?? []), { name: "KUBERNETES_EXEC_INFO", value }];
    }
    return config;
}

/** Expands `~` as the Kubernetes provider does, because no shell expands a setting. */
function fromHome(path) {
    return path.replace(/^~(?=\/|$)/, homedir());
}

/** Adds a kubeconfig's entries. If several files have the same name, the first file wins, as with kubectl. */
function load(config, content, folder) {
    const file = parse(content) ?? {};
    for (const { user } of file.users ?? []) {
        // The library expects another name for this field.
        if (user?.tokenFile && !user.token) {
            user.token = readFileSync(resolve(folder, user.tokenFile), "utf8").trim();
        }
    }
    const one = new KubeConfig();
    one.loadFromString(JSON.stringify(file), { onInvalidEntry: "filter" });
    one.makePathsAbsolute(folder);
    for (const kind of ["contexts", "clusters", "users"]) {
        config[kind].push(...one[kind].filter(({ name }) => !config[kind].some((known) => known.name === name)));
    }
}

function found(kind, name, entries) {
    const entry = entries.find((one) => one.name === name);
    if (entry === undefined) {
        throw new Error(`no kubeconfig has its ${kind} ${name}`);
    }
    return entry;
}

async function ask() {
    const config = configOf(access);
    const options = {};
    await config.applyToHTTPSOptions(options);
    Object.assign(options.agent, { keepAlive: true, maxSockets: 6 });
    const { server } = config.getCurrentCluster();
    return Promise.all(
        paths.map(({ path, accept }) => answer(`${server}${path}`, { ...options, headers: { ...options.headers, accept } })),
    );
}

/** Repeats a request if the API server says so, as kubectl does. The API server says so while it sets up a new kind. */
async function answer(url, options) {
    const { status, body, retryAfter } = await get(url, options);
    const isTemporary = status === 429 || (status === 503 && retryAfter !== undefined);
    const waitMs = 1000 * (Number(retryAfter) || 1);
    if (!isTemporary || performance.now() + waitMs > timeoutMs) {
        return { status, body };
    }
    await sleep(waitMs);
    return answer(url, options);
}

function get(url, options) {
    const { get: request } = url.startsWith("https:") ? https : http;
    return new Promise((answered, failed) => {
        request(url, options, (response) => {
            const parts = [];
            response.on("data", (part) => parts.push(part));
            response.on("error", failed);
            response.on("end", () =>
                answered({
                    status: response.statusCode,
                    body: Buffer.concat(parts).toString(),
                    retryAfter: response.headers["retry-after"],
                }),
            );
        }).on("error", failed);
    });
}

function end(stream, text, code) {
    stream.write(text, () => process.exit(code));
}

setTimeout(() => end(process.stderr, `no answer within ${timeoutMs / 1000} s`, 1), timeoutMs);
ask().then(
    (answers) => end(process.stdout, JSON.stringify(answers), 0),
    (error) => end(process.stderr, error.message || error.code || String(error), 1),
);
