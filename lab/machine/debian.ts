import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { cache } from "../../toolchain/places";
import { MachineError } from "../../toolchain/progress";
import { debianMirror, ensurePackages, isDebian } from "./host";
import { unmountBelow } from "./mounts";

export const debianRelease = "bookworm";
export const certificates = "/etc/ssl/certs/ca-certificates.crt";

let tools: Promise<void> | undefined;

/** Installs debootstrap, once per process. */
function ensureTools(): Promise<void> {
    if (process.getuid?.() !== 0 || !isDebian()) {
        throw new MachineError(
            "Docker Hub can't be reached, so the images are built from Debian's packages, and that needs root on Debian 12. Give the docker daemon a mirror of Docker Hub instead (`registry-mirrors` in its daemon.json), then run this again.",
        );
    }
    tools ??= ensurePackages("images");
    return tools;
}

/**
 * Creates the root folder of a Debian with these packages and this host's CA certificates. Calls `use` with the folder, and then removes
 * the folder.
 */
export async function debianRoot(packages: readonly string[], use: (root: string) => Promise<void>): Promise<void> {
    await ensureTools();
    const work = join(cache, "work");
    mkdirSync(work, { recursive: true });
    const root = mkdtempSync(join(work, "debian-"));
    try {
        await execa("debootstrap", ["--variant=minbase", `--include=${packages.join(",")}`, debianRelease, root, debianMirror()]);
        if (existsSync(certificates)) {
            // A network with its own mirrors often has its own certificate authority.
            mkdirSync(join(root, "etc/ssl/certs"), { recursive: true });
            cpSync(certificates, join(root, certificates));
        }
        for (const folder of ["var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale"]) {
            rmSync(join(root, folder), { recursive: true, force: true });
            mkdirSync(join(root, folder), { recursive: true });
        }
        await use(root);
    } finally {
        // debootstrap mounts /proc and /sys in the root folder.
        await unmountBelow(root);
        rmSync(root, { recursive: true, force: true });
    }
}
