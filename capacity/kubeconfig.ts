import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { parse } from "yaml";

/** How to ask a cluster's API server. */
export interface Access {
    readonly server: string;
    readonly headers: Record<string, string>;
    readonly tls: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean };
}

interface Entries {
    context: { cluster: string; user: string };
    cluster: {
        server: string;
        "certificate-authority"?: string;
        "certificate-authority-data"?: string;
        "tls-server-name"?: string;
        "insecure-skip-tls-verify"?: boolean;
        "proxy-url"?: string;
    };
    user: {
        token?: string;
        tokenFile?: string;
        "client-certificate"?: string;
        "client-certificate-data"?: string;
        "client-key"?: string;
        "client-key-data"?: string;
        exec?: { apiVersion: string; command: string; args?: string[]; env?: { name: string; value: string }[] };
    };
}

interface Credentials {
    token?: string;
    clientCertificateData?: string;
    clientKeyData?: string;
}

/** A context by its name, in files as kubectl finds them; or a kubeconfig's content, with the context that it names as its own. */
export type Place = { context: string; kubeconfig?: string } | { content: string };

interface Source {
    content: Record<string, (Entries & { name: string })[]> & { "current-context"?: string };
    folder: string;
}

/** How kubectl would reach the place; throws where it couldn't, with the reason. */
export function accessBy(place: Place, timeoutMs: number): Access {
    const files = "content" in place ? [{ content: parse(place.content), folder: "." }] : filesOf(place.kubeconfig);
    const context = "content" in place ? (files[0]?.content["current-context"] ?? "") : place.context;
    const chosen = find("context", context, files).entry;
    const { entry: cluster, folder } = find("cluster", chosen.cluster, files);
    const { entry: user, folder: home } = find("user", chosen.user, files);
    if (cluster["proxy-url"] !== undefined) {
        throw new Error("it is behind a proxy (proxy-url)");
    }
    const given = user.exec ? credentialsFrom(user.exec, timeoutMs) : {};
    const token = given.token ?? user.token ?? file(user.tokenFile, home)?.trim();
    return {
        server: cluster.server,
        headers: token ? { authorization: `Bearer ${token}` } : {},
        tls: {
            ca: decoded(cluster["certificate-authority-data"]) ?? file(cluster["certificate-authority"], folder),
            cert: given.clientCertificateData ?? decoded(user["client-certificate-data"]) ?? file(user["client-certificate"], home),
            key: given.clientKeyData ?? decoded(user["client-key-data"]) ?? file(user["client-key"], home),
            servername: cluster["tls-server-name"],
            rejectUnauthorized: !cluster["insecure-skip-tls-verify"],
        },
    };
}

/** Of several files the first that has the name wins, as with kubectl. */
function filesOf(kubeconfig: string | undefined): Source[] {
    const files = kubeconfig ?? process.env.KUBECONFIG ?? join(homedir(), ".kube", "config");
    return files
        .split(delimiter)
        .filter((path) => path !== "" && existsSync(path))
        .map((path) => ({ content: parse(readFileSync(path, "utf8")) ?? {}, folder: dirname(path) }));
}

function find<Kind extends keyof Entries>(kind: Kind, name: string, files: readonly Source[]): { entry: Entries[Kind]; folder: string } {
    for (const { content, folder } of files) {
        const found = content[`${kind}s`]?.find((entry) => entry.name === name);
        if (found !== undefined) {
            return { entry: found[kind], folder };
        }
    }
    throw new Error(`no kubeconfig has its ${kind} ${name}`);
}

function decoded(base64: string | undefined): string | undefined {
    return base64 && Buffer.from(base64, "base64").toString();
}

function file(path: string | undefined, folder: string): string | undefined {
    return path && readFileSync(isAbsolute(path) ? path : join(folder, path), "utf8");
}

/** Runs the command that the kubeconfig names, as cloud providers' do; its answer is an ExecCredential. */
function credentialsFrom(
    { apiVersion, command, args = [], env = [] }: NonNullable<Entries["user"]["exec"]>,
    timeoutMs: number,
): Credentials {
    const { status, stdout } = spawnSync(command, args, {
        env: {
            ...process.env,
            ...Object.fromEntries(env.map(({ name, value }) => [name, value])),
            KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: "ExecCredential", spec: { interactive: false } }),
        },
        encoding: "utf8",
        timeout: timeoutMs,
    });
    if (status !== 0) {
        throw new Error(`${command}, which its kubeconfig names, gives no credentials within ${timeoutMs / 1000} s`);
    }
    return (JSON.parse(stdout) as { status?: Credentials }).status ?? {};
}
