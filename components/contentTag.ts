import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative, sep } from "node:path";
import dockerignore from "@balena/dockerignore";

/** All inputs of an image's build. */
export interface Build {
    context: string;
    platform: string;
    args: Record<string, string>;
}

/** A build's inputs, from its settings. */
export function buildOf(settings: { context: string; platform: string; baseImage: string; buildArgs?: Record<string, string> }): Build {
    const { context, platform, baseImage, buildArgs } = settings;
    return { context, platform, args: { ...buildArgs, BASE_IMAGE: baseImage } };
}

/** An image tag that depends only on the build's inputs, not on the machine or the time. Different inputs give different tags. */
export function contentTag({ context, platform, args }: Build): string {
    const build = {
        platform,
        args: Object.entries(args).sort(byName),
        files: visibleFiles(context).map((file) => [file, ...content(join(context, file))]),
    };
    return sha256(JSON.stringify(build)).slice(0, 20);
}

/** The files that the builder sees, sorted. The builder reads the Dockerfile even if `.dockerignore` excludes it. */
function visibleFiles(context: string): string[] {
    const ignoreFile = join(context, ".dockerignore");
    const ignore = dockerignore().add(existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8") : "");
    return readdirSync(context, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(context, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .filter((file) => file === "Dockerfile" || !ignore.ignores(file))
        .sort();
}

/** A file's kind and hash. It uses only the executable bit of the mode, which git keeps. The other bits depend on the umask at checkout. */
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
