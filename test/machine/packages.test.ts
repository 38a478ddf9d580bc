import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { debianMirror } from "../../lab/machine/host";
import { aptEnvironment, type DebianHost, install } from "../../lab/machine/packages";

/** A separate Debian in a folder, with its own apt and dpkg. */
describe("Debian packages", () => {
    let root: string;
    let host: DebianHost;
    const inRoot = (command: string, ...args: string[]) =>
        execa("chroot", [root, command, ...args], { env: { ...aptEnvironment, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });

    before("a Debian from the mirror", async () => {
        root = mkdtempSync(join(tmpdir(), "sms-debian-"));
        const { VERSION_CODENAME: release } = Object.fromEntries(
            readFileSync("/etc/os-release", "utf8")
                .split("\n")
                .map((line) => line.split("=")),
        );
        await execa("debootstrap", ["--variant=minbase", release, root, debianMirror()]);
        // The root of a mount namespace must be a mount point.
        await execa("mount", ["--bind", "--make-private", root, root]);
        await execa("mount", ["-t", "proc", "proc", join(root, "proc")]);
        // Pretend that systemd runs, and record the calls of systemctl.
        mkdirSync(join(root, "run/systemd/system"), { recursive: true });
        writeFileSync(join(root, "usr/bin/systemctl"), '#!/bin/sh\necho "$@" >> /asked\n[ "$2" != is-enabled ] || echo enabled\n', {
            mode: 0o755,
        });
        host = { run: (command, args) => inRoot(command, ...args), note: join(root, "installing") };
    });

    after(async () => {
        for (const pid of running()) {
            process.kill(pid);
        }
        await execa("umount", ["--recursive", root]);
        rmSync(root, { recursive: true });
    });

    const running = () =>
        readdirSync("/proc")
            .filter((entry) => /^\d+$/.test(entry))
            .filter((pid) => {
                try {
                    return readlinkSync(`/proc/${pid}/root`).startsWith(root);
                } catch {
                    return false; // The process has ended.
                }
            })
            .map(Number);
    const files = (folder: string) => readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    const packages = async () => (await inRoot("dpkg-query", "--show", "--showformat", `\${Package} \${Status}\\n`)).stdout;

    /** Builds a package that has only a control file and a script. */
    async function stub(name: string, control: string, postinst = ""): Promise<void> {
        const folder = join(root, "stubs", name);
        mkdirSync(join(folder, "DEBIAN"), { recursive: true });
        writeFileSync(
            join(folder, "DEBIAN", "control"),
            `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: stub\n${control}`,
        );
        writeFileSync(join(folder, "DEBIAN", "postinst"), `#!/bin/sh\n${postinst}\n`, { mode: 0o755 });
        await inRoot("dpkg-deb", "--build", `/stubs/${name}`, `/stubs/${name}.deb`);
    }

    it("are installed, and none of their services starts now or at the next boot", async () => {
        await install(["redis-server"], host);
        assert.match(await packages(), /^redis-server install ok installed$/m);
        assert.deepEqual(running(), []);
        const enabled = [...files("etc/systemd/system"), ...["rc2.d", "rc3.d"].flatMap((level) => files(`etc/${level}`))];
        assert.deepEqual(
            enabled.filter((file) => file.includes("redis")),
            [],
        );
        const asked = existsSync(join(root, "asked")) ? readFileSync(join(root, "asked"), "utf8") : "";
        assert.doesNotMatch(asked, /start/);
    });

    it("leave none of the files that kept the services from starting", async () => {
        assert.ok(!existsSync(join(root, "usr/sbin/policy-rc.d")));
        assert.ok(!existsSync(join(root, "mnt/nothing")));
        assert.ok(!existsSync(host.note));
        assert.match(readFileSync(join(root, "usr/sbin/invoke-rc.d"), "utf8"), /policy/);
        assert.doesNotMatch(readFileSync("/proc/mounts", "utf8"), new RegExp(`${root}/mnt`));
    });

    it("are refused if another package would have to be removed for them, for example Docker's own for Debian's", async () => {
        await stub("containerd.io", "Conflicts: containerd, runc\nProvides: containerd, runc\nReplaces: containerd, runc\n");
        await inRoot("dpkg", "--install", "/stubs/containerd.io.deb");
        const before = await packages();
        await assert.rejects(install(["runc"], host), /apt-get would remove containerd\.io to install runc\. Nothing was changed/);
        assert.equal(await packages(), before);
    });

    it("are refused while an installation of the user is incomplete, because only the user may finish it", async () => {
        await stub("strangers", "", "test -e /finish");
        await assert.rejects(inRoot("dpkg", "--install", "/stubs/strangers.deb"));
        const before = await packages();
        await assert.rejects(install(["libnuma1"], host), /The installation of strangers was cut short/);
        assert.equal(await packages(), before);
        writeFileSync(join(root, "finish"), "");
        await inRoot("dpkg", "--configure", "-a");
    });

    it("are finished if an installation of this project was interrupted, again without their services", async () => {
        await stub("ours", "", "test -e /finish-ours && deb-systemd-invoke start ours.service");
        await assert.rejects(inRoot("dpkg", "--install", "/stubs/ours.deb"));
        writeFileSync(host.note, "ours");
        writeFileSync(join(root, "finish-ours"), "");
        rmSync(join(root, "asked"), { force: true });
        await install(["libnuma1"], host);
        assert.match(await packages(), /^ours install ok installed$/m);
        assert.ok(!existsSync(join(root, "asked")));
        assert.match(await packages(), /^libnuma1 install ok installed$/m);
        assert.ok(!existsSync(host.note));
    });
});
