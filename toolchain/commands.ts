/** The commands that the machine needs. Each comes from the host, else from the official download, else from a build of Go modules. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";
import which from "which";
import { sync as writeFileAtomicSync } from "write-file-atomic";
import { say } from "../cli/say";
import { built, isBuilt, kindVersion } from "./goModules";
import { cache } from "./places";

/** Cached downloads. Each name contains the version. */
const downloads = join(cache, "downloads");

/** The path of a command on the PATH, or undefined. */
export async function onPath(command: string): Promise<string | undefined> {
    return (await which(command, { nothrow: true })) ?? undefined;
}

/** Pulumi's engine: the user's, else the official one in the SDK's version, else one built from Go modules. */
export async function pulumiCommand(): Promise<string> {
    const present = await onPath("pulumi");
    if (present !== undefined) {
        return present;
    }
    const { version } = require("@pulumi/pulumi/package.json") as { version: string };
    const root = join(downloads, `pulumi-${version}`);
    const official = join(root, "bin", "pulumi");
    if (existsSync(official)) {
        return official;
    }
    if (!(await isBuilt("pulumi"))) {
        const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
        const unfinished = `${root}.new`;
        // Installs the SDK's version by default.
        const isInstalled = await PulumiCommand.install({ root: unfinished }).then(
            () => true,
            () => false,
        );
        if (isInstalled) {
            renameSync(unfinished, root);
            return official;
        }
        say(`  ! the official Pulumi CLI ${version} can't be downloaded here: it is built from Go modules`);
    }
    return ownPulumi();
}

/** Copies the engine and its language host into one folder. The engine follows links to its own file and looks for the host beside it. */
async function ownPulumi(): Promise<string> {
    const sources = [await built("pulumi"), await built("language-nodejs")];
    const bin = join(cache, "toolchain", sources.map((folder) => basename(folder)).join("+"));
    if (!existsSync(bin)) {
        const unfinished = `${bin}.new`;
        rmSync(unfinished, { recursive: true, force: true });
        for (const source of sources) {
            cpSync(source, unfinished, { recursive: true });
        }
        renameSync(unfinished, bin);
    }
    return join(bin, "pulumi");
}

/** kind: the host's, else the official one, else one built from its Go module. */
export async function kindCommand(): Promise<string> {
    const present = await onPath("kind");
    if (present !== undefined) {
        return present;
    }
    const official = join(downloads, `kind-${kindVersion}`);
    if (existsSync(official)) {
        return official;
    }
    if (!(await isBuilt("kind")) && (await downloadKind("https://kind.sigs.k8s.io/dl", official))) {
        return official;
    }
    return join(await built("kind"), "kind");
}

/**
 * Downloads kind's release for this host from `address` to `file`, and checks its published SHA-256. Returns false and prints the reason
 * if the download fails.
 */
export async function downloadKind(address: string, file: string): Promise<boolean> {
    const name = `kind-${platform()}-${arch() === "x64" ? "amd64" : arch()}`;
    const url = `${address}/v${kindVersion}/${name}`;
    try {
        const [binary, sum] = await Promise.all([url, `${url}.sha256sum`].map(download));
        const expected = `${sum}`.split(/\s/)[0];
        const found = createHash("sha256")
            .update(binary as Buffer)
            .digest("hex");
        if (found !== expected) {
            throw new Error(`its SHA-256 is ${found} and not ${expected}`);
        }
        mkdirSync(dirname(file), { recursive: true });
        writeFileAtomicSync(file, binary as Buffer, { mode: 0o755 });
        return true;
    } catch (error) {
        say(`  ! kind ${kindVersion} can't be downloaded here (${(error as Error).message}): it is built from its Go module`);
        return false;
    }
}

async function download(url: string): Promise<Buffer> {
    // The file has 10 MB. The timeout covers a network that drops packets without an answer.
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) {
        throw new Error(`${url} answers ${response.status}`);
    }
    return Buffer.from(await response.arrayBuffer());
}
