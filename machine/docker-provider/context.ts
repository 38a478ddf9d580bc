import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import ignore from "@balena/dockerignore";
import { type Pack, pack } from "tar-stream";

interface Entry {
    /** Where it lies in the context, with slashes. */
    path: string;
    /** Where it lies here. */
    source: string;
    kind: "file" | "directory" | "symlink";
    mode: number;
    size: number;
    /** What a symbolic link says. */
    target: string;
}

/** What a build gets to see: a folder without what its .dockerignore names, in a fixed order. */
export interface BuildContext {
    entries: readonly Entry[];
    /** The Dockerfile's path in the context. */
    dockerfile: string;
}

/** A Dockerfile from outside the folder is sent under this name. */
const outsideDockerfile = ".dockerfile-from-outside";

/**
 * Every file gets this time: of two checkouts of one commit come equal layers. Not 1970, for zip archives
 * (Python wheels) can't say a time before 1980.
 */
const modified = new Date("2000-01-01T00:00:00Z");

/** The Dockerfile's path seen from the context, as the resource puts it out. */
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

/** Equal if a build gets to see the same: names, modes, contents and links; not times and owners. */
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

/** The context as the Engine API takes it: owned by root, with one time for all. */
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
    /** Whether a rule may take back a part of an ignored folder. */
    hasExceptions: boolean;
}

/** `<Dockerfile>.dockerignore` goes before the context's `.dockerignore`. */
async function ignoreRules(folder: string, dockerfile: string): Promise<IgnoreRules> {
    const file = [`${dockerfile}.dockerignore`, join(folder, ".dockerignore")].find((candidate) => existsSync(candidate));
    if (file === undefined) {
        return { ignores: () => false, hasExceptions: false };
    }
    const text = await readFile(file, "utf8");
    const rules = ignore({ ignorecase: false }).add(text);
    return { ignores: (path) => rules.ignores(path), hasExceptions: /^\s*!/m.test(text) };
}

/** All that is sent of what lies below `below`, sorted. The Dockerfile is sent even if it is ignored. */
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

/** Nothing for what a build has no use for: sockets, pipes and devices. */
async function entryAt(source: string, path: string): Promise<Entry | undefined> {
    const stats = await lstat(source);
    const kind = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "symlink" : undefined;
    if (kind === undefined) {
        return undefined;
    }
    const target = kind === "symlink" ? await readlink(source) : "";
    return { path, source, kind, mode: stats.mode & 0o7777, size: stats.size, target };
}
