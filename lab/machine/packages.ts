/**
 * Installs Debian packages without side effects on the host. No package is removed. No service of a package starts, neither now nor at
 * the next boot.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cache } from "../../toolchain/places";
import { MachineError } from "../../toolchain/progress";

/** The host that packages are installed on. */
export interface DebianHost {
    readonly run: (command: string, args: readonly string[]) => Promise<{ stdout: string }>;
    /** A file with the names of the packages. It exists only during an installation. */
    readonly note: string;
}

export const aptEnvironment = {
    DEBIAN_FRONTEND: "noninteractive",
    // Ubuntu's needrestart restarts services after each installation.
    NEEDRESTART_SUSPEND: "1",
};

const thisHost: DebianHost = {
    run: (command, args) => execa(command, args, { env: aptEnvironment }),
    note: join(cache, "installing"),
};

export async function install(names: readonly string[], host: DebianHost = thisHost): Promise<void> {
    await finishOwn(host);
    await host.run("apt-get", ["update", "-qq"]);
    const request = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", ...names];
    const { stdout: plan } = await host.run("apt-get", ["--simulate", ...request]);
    const removed = packagesIn(plan, "Remv");
    if (removed.length > 0) {
        throw new MachineError(
            `apt-get would remove ${removed.join(", ")} to install ${names.join(", ")}. Nothing was changed. Start the installed program ` +
                "(for Docker: `systemctl start docker`), or remove it yourself.",
        );
    }
    mkdirSync(dirname(host.note), { recursive: true });
    writeFileSync(host.note, packagesIn(plan, "Inst").join("\n"));
    await withoutServices(host, ["apt-get", "--no-remove", ...request]);
    rmSync(host.note);
}

function packagesIn(plan: string, action: "Inst" | "Remv"): string[] {
    return [...plan.matchAll(new RegExp(`^${action} (\\S+)`, "gm"))].map(([, name]) => name as string);
}

/**
 * An interrupted installation blocks every later one. Finishes an interrupted installation of this machine. Throws a MachineError for
 * one by another program, which the user must finish.
 */
async function finishOwn(host: DebianHost): Promise<void> {
    const { stdout } = await host.run("dpkg-query", ["--show", "--showformat", `\${Package} \${db:Status-Status}\\n`]);
    const packages = stdout.split("\n").map((line) => line.split(" ") as [name: string, status: string]);
    const unfinished = packages.filter(([, status]) => !["installed", "config-files", "not-installed", undefined].includes(status));
    const own = existsSync(host.note) ? readFileSync(host.note, "utf8").split("\n") : [];
    const foreign = unfinished.map(([name]) => name).filter((name) => !own.includes(name));
    if (foreign.length > 0) {
        throw new MachineError(
            `The installation of ${foreign.join(", ")} was cut short. Nothing was changed. Finish it: \`dpkg --configure -a\`.`,
        );
    }
    // apt-get itself unpacks the half-installed packages again.
    const unpacked = unfinished.filter(([, status]) => status !== "half-installed").map(([name]) => name);
    if (unpacked.length > 0) {
        await withoutServices(host, ["dpkg", "--configure", ...unpacked]);
    }
}

/**
 * Packages start and enable services with these four commands. The installation runs in its own mount namespace, where an empty script
 * replaces them. The namespace ends with its last process, even if that is killed. The host's own files are not changed.
 */
const hideServiceCommands = `
mount -t tmpfs -o mode=0755 tmpfs /mnt
printf '#!/bin/sh\\nexit 0\\n' > /mnt/nothing
chmod 0755 /mnt/nothing
for name in invoke-rc.d update-rc.d deb-systemd-invoke deb-systemd-helper; do
    if path=$(command -v "$name"); then mount --bind /mnt/nothing "$path"; fi
done
exec "$@"`;

async function withoutServices({ run }: DebianHost, command: readonly string[]): Promise<void> {
    await run("unshare", ["--mount", "sh", "-ec", hideServiceCommands, "sh", ...command]);
}
