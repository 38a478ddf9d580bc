/** The commands that the machine needs: those of the host, else the official downloads, else built from Go modules. */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { cache } from "./places";
import { say } from "./progress";
import { built, isBuilt, kindVersion } from "./toolchain";

/** Downloads that are kept: each in a folder with its version in its name. */
const downloads = join(cache, "downloads");

/** Where a command is on the PATH. */
async function onPath(command: string): Promise<string | undefined> {
    const { failed, stdout } = await execa("which", [command], { reject: false });
    return failed ? undefined : stdout.trim();
}

/** Pulumi's engine: the user's, else the official one of the SDK's version, else one from Go modules. */
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
        // By default the version of the SDK.
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

/** The engine looks for its language host beside itself, and past links: so both lie in one folder. */
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

/** kind: the host's, else the official one, else one from Go modules. */
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
 * Downloads kind's release for this host from below `address` to `file`, and compares it with the checksum that is published beside it.
 * Gives whether it is there now; says why where it isn't.
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
        writeFileSync(`${file}.new`, binary as Buffer);
        chmodSync(`${file}.new`, 0o755);
        renameSync(`${file}.new`, file);
        return true;
    } catch (error) {
        say(`  ! kind ${kindVersion} can't be downloaded here (${(error as Error).message}): it is built from its Go module`);
        return false;
    }
}

async function download(url: string): Promise<Buffer> {
    // Ten megabytes; a network that answers nobody is given up on.
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) {
        throw new Error(`${url} answers ${response.status}`);
    }
    return Buffer.from(await response.arrayBuffer());
}
