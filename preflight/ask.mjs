/**
 * Asks a cluster's API server, as kubectl would reach it. A process of its own: the library takes half a second to load, and the
 * command that a kubeconfig names may hang. Reads a request from stdin and writes the answers, or a reason to stderr.
 */
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { register } from "node:module";
import { homedir } from "node:os";
import { delimiter, dirname, resolve } from "node:path";
import { parse } from "yaml";

// The library's reader of kubeconfigs loads all of its API clients, for half a second, and uses none of them here.
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
        // The library doesn't tell the command what it is asked for; kubectl does.
        const value = JSON.stringify({ apiVersion: exec.apiVersion, kind: "ExecCredential", spec: { interactive: false } });
        exec.env = [...(exec.env ?? []), { name: "KUBERNETES_EXEC_INFO", value }];
    }
    return config;
}

/** As the Kubernetes provider reads it: no shell does it for a setting. */
function fromHome(path) {
    return path.replace(/^~(?=\/|$)/, homedir());
}

/** Of several files the first that has a name wins, as with kubectl. */
function load(config, content, folder) {
    const file = parse(content) ?? {};
    for (const { user } of file.users ?? []) {
        // The library knows the field by another name.
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
    const { get } = server.startsWith("https:") ? https : http;
    return Promise.all(
        paths.map(
            ({ path, accept }) =>
                new Promise((answered, failed) => {
                    get(`${server}${path}`, { ...options, headers: { ...options.headers, accept } }, (response) => {
                        const parts = [];
                        response.on("data", (part) => parts.push(part));
                        response.on("end", () => answered({ status: response.statusCode, body: Buffer.concat(parts).toString() }));
                    }).on("error", failed);
                }),
        ),
    );
}

function end(stream, text, code) {
    stream.write(text, () => process.exit(code));
}

setTimeout(() => end(process.stderr, `no answer within ${timeoutMs / 1000} s`, 1), timeoutMs);
ask().then(
    (answers) => end(process.stdout, JSON.stringify(answers), 0),
    (error) => end(process.stderr, error.message || error.code || String(error), 1),
);
