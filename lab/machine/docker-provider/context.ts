import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import ignore from "@balena/dockerignore";
import { type Pack, pack } from "tar-stream";

interface Entry {
    /** The path in the context, with slashes. */
    path: string;
    /** The path on this host. */
    source: string;
    kind: "file" | "directory" | "symlink";
    mode: number;
    size: number;
    /** The target of a symbolic link. */
    target: string;
}

/** The files of a build: a folder without the files that its .dockerignore excludes, in a fixed order. */
export interface BuildContext {
    entries: readonly Entry[];
    /** The Dockerfile's path in the context. */
    dockerfile: string;
}

/** A Dockerfile from outside the folder is sent under this name. */
const outsideDockerfile = ".dockerfile-from-outside";

/**
 * The modification time of every file, so that two checkouts of one commit give equal layers. It is not 1970, because zip archives (Python
 * wheels) can't store a time before 1980.
 */
const modified = new Date("2000-01-01T00:00:00Z");

/** The Dockerfile's path relative to the context, as in the resource's output. */
export function dockerfileInContext(folder: string, dockerfile: string): string {
    return relative(resolve(folder), resolve(dockerfile));
}

export async function readContext(folder: string, dockerfile: string): Promise<BuildContext> {
    const inside = dockerfileInContext(folder, dockerfile);
    const entries = await entriesOf(folder, "", await ignoreRules(folder, dockerfile), inside);
    if (!inside.startsWith("../")) {
        return { entries, dockerfile: inside };
    }
    const outside = await entryAt(await realpath(dockerfile), outsideDockerfile);
    return { entries: outside === undefined ? entries : [...entries, outside], dockerfile: outsideDockerfile };
}

/** A digest of the names, modes, contents and links of all files. Times and owners are not included. */
export async function contextDigest({ entries }: BuildContext): Promise<string> {
    const whole = createHash("sha256");
    for (const { path, source, kind, mode, target } of entries) {
        const content = createHash("sha256").update(target);
        if (kind === "file") {
            await pipeline(createReadStream(source), content);
        }
        whole.update(`${path}\0${kind} ${mode.toString(8)} ${content.digest("hex")}\n`);
    }
    return whole.digest("hex");
}

/** The context as a tar archive for the Engine API. All files belong to root and have the same time. */
export function tarOf({ entries }: BuildContext): Readable {
    const tar = pack();
    fill(tar, entries).catch((error) => tar.destroy(error));
    return Readable.from(tar);
}

async function fill(tar: Pack, entries: readonly Entry[]): Promise<void> {
    for (const { path, source, kind, mode, size, target } of entries) {
        const header = { name: path, type: kind, mode, mtime: modified, uid: 0, gid: 0 };
        if (kind === "file") {
            await pipeline(createReadStream(source), tar.entry({ ...header, size }));
        } else {
            tar.entry({ ...header, ...(target && { linkname: target }) });
        }
    }
    tar.finalize();
}

interface IgnoreRules {
    ignores(path: string): boolean;
    /** Whether a rule may include a part of an ignored folder again. */
    hasExceptions: boolean;
}

/** Reads `<Dockerfile>.dockerignore`. If it does not exist, reads the context's `.dockerignore`. */
async function ignoreRules(folder: string, dockerfile: string): Promise<IgnoreRules> {
    const file = [`${dockerfile}.dockerignore`, join(folder, ".dockerignore")].find((candidate) => existsSync(candidate));
    if (file === undefined) {
        return { ignores: () => false, hasExceptions: false };
    }
    const text = await readFile(file, "utf8");
    const rules = ignore({ ignorecase: false }).add(text);
    return { ignores: (path) => rules.ignores(path), hasExceptions: /^\s*!/m.test(text) };
}

/** The entries below the folder `below` that are sent, sorted. The Dockerfile is sent even if it is ignored. */
async function entriesOf(folder: string, below: string, rules: IgnoreRules, dockerfile: string): Promise<Entry[]> {
    const found: Entry[] = [];
    for (const name of (await readdir(join(folder, below))).sort()) {
        const path = below === "" ? name : `${below}/${name}`;
        const isWanted = path === dockerfile || !rules.ignores(path);
        if (!isWanted && !rules.hasExceptions && !dockerfile.startsWith(`${path}/`)) {
            continue;
        }
        const entry = await entryAt(join(folder, path), path);
        const inside = entry?.kind === "directory" ? await entriesOf(folder, path, rules, dockerfile) : [];
        if (entry !== undefined && (isWanted || inside.length > 0)) {
            found.push(entry, ...inside);
        }
    }
    return found;
}

/** Undefined for sockets, pipes and devices, which a build can't use. */
async function entryAt(source: string, path: string): Promise<Entry | undefined> {
    const stats = await lstat(source);
    const kind = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "symlink" : undefined;
    if (kind === undefined) {
        return undefined;
    }
    const target = kind === "symlink" ? await readlink(source) : "";
    return { path, source, kind, mode: stats.mode & 0o7777, size: stats.size, target };
}
