import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { daemonNames, daemonPid, ensureRunning, ownProcesses, stop } from "../../machine/daemons";
import { holdTurn, takeTurn } from "../../machine/host";
import { clone } from "../../machine/places";
import { until } from "../../machine/progress";

const up = [process.execPath, "-r", "./register.cjs", join("machine", "main.ts"), "up"] as const;

/** Runs `npm run up` behind `wrapper` and gives what it says; nothing may have changed. */
async function assertRefused(wrapper: string[], because: RegExp): Promise<void> {
    const before = daemonNames.map(daemonPid);
    const [command = "", ...args] = [...wrapper, ...up];
    const { exitCode, all } = await execa(command, args, { cwd: clone, all: true, reject: false });
    assert.equal(exitCode, 1, all);
    assert.match(all, because);
    assert.doesNotMatch(all, /\n\s+at .*:\d+:\d+/, "no stack trace");
    assert.deepEqual(daemonNames.map(daemonPid), before);
}

describe("npm run up", () => {
    it("refuses a user that is not root", async () => {
        await assertRefused(["unshare", "--user"], /nothing was changed[\s\S]*not root/);
    });

    it("refuses a host that has another cluster already", async () => {
        const foreign = mkdtempSync(join(tmpdir(), "kubernetes-"));
        writeFileSync(join(foreign, "admin.conf"), "");
        await assertRefused(
            ["unshare", "--mount", "sh", "-c", `mount --bind ${foreign} /etc/kubernetes && exec "$@"`, "sh"],
            /nothing was changed[\s\S]*\/etc\/kubernetes\/admin\.conf[\s\S]*sms:cluster\.context/,
        );
        rmSync(foreign, { recursive: true });
    });

    it("refuses to run beside another one", async () => {
        const release = await takeTurn();
        await assertRefused([], /Another `npm run up` or `npm run down` is at work/);
        release();
    });
});

describe("what is counted and measured", () => {
    it("is by one command at a time", async () => {
        const release = await holdTurn("sms-prove", "held already");
        try {
            for (const main of ["prove/main.ts", "prove/dashboard.ts", "bench/main.ts"]) {
                const { exitCode, all } = await execa(process.execPath, ["-r", "./register.cjs", main], {
                    cwd: clone,
                    all: true,
                    reject: false,
                });
                assert.equal(exitCode, 1, all);
                assert.match(all, /Another `npm run prove`, `dashboard`, `bench` or `test` is at work/);
                assert.doesNotMatch(all, /\n\s+at .*:\d+:\d+/, "no stack trace");
            }
        } finally {
            release();
        }
    });
});

describe("a daemon", () => {
    it("isn't found in what it has forked", async () => {
        const name = "kwok";
        const folder = mkdtempSync(join(tmpdir(), `${name}-`));
        const command = join(folder, name);
        copyFileSync("/bin/sh", command);
        const args = ["-c", "(while :; do sleep 1; done) & wait"];
        const found = () => ownProcesses().filter(({ daemon, executable }) => daemon === name && executable === name).length;
        const becomes = (count: number) =>
            until(
                async () => found() === count,
                10,
                () => `${found()} processes and not ${count}`,
            );
        try {
            await ensureRunning({ name, command, args, isReady: async () => true });
            await becomes(2);
            process.kill(daemonPid(name) as number, "SIGKILL");
            await becomes(1);
            assert.equal(daemonPid(name), undefined);
        } finally {
            await stop(name);
            rmSync(folder, { recursive: true });
        }
    });
});

describe("npm run down", () => {
    it("takes its own rules and sets out of the packet filter, and leaves everybody else's", async () => {
        const script = `
            for set in KUBE-SRC-1 KUBE-DST-1 other; do ipset create $set hash:ip; done
            for chain in KUBE-POD-FW-1 KUBE-ROUTER-FORWARD OTHER; do iptables -N $chain; done
            iptables -A KUBE-POD-FW-1 -m set --match-set KUBE-SRC-1 src -m set --match-set KUBE-DST-1 dst -j ACCEPT
            iptables -A KUBE-ROUTER-FORWARD -j KUBE-POD-FW-1
            iptables -A FORWARD -j KUBE-ROUTER-FORWARD
            iptables -A FORWARD -m set --match-set other src -j OTHER
            node -r ./register.cjs -e 'const own = require("./machine/network"); own.ensureNetwork().then(own.removeNetwork)'
            ipset list -name
            iptables --list-rules`;
        // In a network namespace of its own: the machine stays up.
        const { stdout } = await execa("unshare", ["--net", "sh", "-ec", script], { cwd: clone });
        assert.deepEqual(stdout.split("\n"), [
            "other",
            "-P INPUT ACCEPT",
            "-P FORWARD ACCEPT",
            "-P OUTPUT ACCEPT",
            "-N OTHER",
            "-A FORWARD -m set --match-set other src -j OTHER",
        ]);
    });
});
