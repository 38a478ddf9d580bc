import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { debianMirror, ensurePackages, isDebian } from "./host";
import { unmountBelow } from "./mounts";
import { cache } from "./places";
import { MachineError } from "./progress";

export const debianRelease = "bookworm";
export const certificates = "/etc/ssl/certs/ca-certificates.crt";

let tools: Promise<void> | undefined;

/** What makes a Debian; installed once, whoever asks. */
function ensureTools(): Promise<void> {
    if (process.getuid?.() !== 0 || !isDebian()) {
        throw new MachineError(
            "Docker Hub can't be reached, so the images are made of Debian's packages: that needs root on Debian 12. Give the docker daemon a mirror of Docker Hub instead (`registry-mirrors` in its daemon.json), then run this again.",
        );
    }
    tools ??= ensurePackages("images");
    return tools;
}

/** Gives `use` the root folder of a Debian with these packages, which trusts whom this host trusts; removes it when `use` has ended. */
export async function debianRoot(packages: readonly string[], use: (root: string) => Promise<void>): Promise<void> {
    await ensureTools();
    const work = join(cache, "work");
    mkdirSync(work, { recursive: true });
    const root = mkdtempSync(join(work, "debian-"));
    try {
        await execa("debootstrap", ["--variant=minbase", `--include=${packages.join(",")}`, debianRelease, root, debianMirror()]);
        if (existsSync(certificates)) {
            // Networks with mirrors of their own often have a certificate authority of their own.
            mkdirSync(join(root, "etc/ssl/certs"), { recursive: true });
            cpSync(certificates, join(root, certificates));
        }
        for (const folder of ["var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale"]) {
            rmSync(join(root, folder), { recursive: true, force: true });
            mkdirSync(join(root, folder), { recursive: true });
        }
        await use(root);
    } finally {
        // debootstrap mounts /proc and /sys in it.
        await unmountBelow(root);
        rmSync(root, { recursive: true, force: true });
    }
}
