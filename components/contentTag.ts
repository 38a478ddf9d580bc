import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative, sep } from "node:path";
import dockerignore from "@balena/dockerignore";

/** All that decides how an image turns out. */
export interface Build {
    context: string;
    platform: string;
    args: Record<string, string>;
}

/** An image tag that is the same for the same build, wherever and whenever it is made, and another one for any other. */
export function contentTag({ context, platform, args }: Build): string {
    const build = {
        platform,
        args: Object.entries(args).sort(byName),
        files: visibleFiles(context).map((file) => [file, ...content(join(context, file))]),
    };
    return sha256(JSON.stringify(build)).slice(0, 20);
}

/** What the builder gets to see, in an order of its own. It reads the Dockerfile even where that is ignored. */
function visibleFiles(context: string): string[] {
    const ignoreFile = join(context, ".dockerignore");
    const ignore = dockerignore().add(existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8") : "");
    return readdirSync(context, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(context, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .filter((file) => file === "Dockerfile" || !ignore.ignores(file))
        .sort();
}

/** Of the mode only what git keeps too: the rest depends on the umask of whoever checked the files out. */
function content(path: string): [kind: string, hash: string] {
    const status = lstatSync(path);
    if (status.isSymbolicLink()) {
        return ["link", sha256(readlinkSync(path))];
    }
    return [status.mode & 0o100 ? "executable" : "file", sha256(readFileSync(path))];
}

function byName([a]: [string, string], [b]: [string, string]) {
    return a < b ? -1 : 1;
}

function sha256(data: string | Buffer) {
    return createHash("sha256").update(data).digest("hex");
}
