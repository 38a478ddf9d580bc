/** The machine's own docker daemon, from Debian's packages, for a user without a daemon. Needs root. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dockerData, dockerSocket, run, state } from "../../toolchain/places";
import { type Daemon, daemonPid, ensureRunning, ownProcesses } from "./daemons";
import { Docker } from "./docker";
import { buildBridge } from "./network";

const pidFile = join(run, "docker.pid");
/** The PID file of the containerd that dockerd starts. */
const containerdPidFile = join(run, "docker", "containerd", "containerd.pid");
const runtime = join(state, "runtime");

const dockerd = (args: readonly string[]): Daemon => ({
    name: "dockerd",
    command: "/usr/sbin/dockerd",
    args: [
        "--host",
        `unix://${dockerSocket}`,
        "--data-root",
        dockerData,
        "--exec-root",
        join(run, "docker"),
        "--pidfile",
        pidFile,
        "--bridge",
        buildBridge,
        ...args,
    ],
    isReady: () => new Docker(`unix://${dockerSocket}`).succeeds("version"),
});

/** Starts the daemon if it does not run. */
export async function ensureDockerd(): Promise<Docker> {
    if (daemonPid("dockerd") === undefined) {
        // A killed dockerd leaves this file. A new one refuses to start if any process now has that PID.
        rmSync(pidFile, { force: true });
    }
    if (!ownProcesses().some(({ executable }) => executable === "containerd")) {
        // A killed containerd leaves this file. A new dockerd waits for any process with that PID, even for a zombie.
        rmSync(containerdPidFile, { force: true });
    }
    await ensureRunning(dockerd(withoutMissingCapabilities()));
    return new Docker(`unix://${dockerSocket}`);
}

/** In the order of their numbers in capabilities(7). */
const capabilities = [
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST",
    "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE",
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM",
    "BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE",
]
    .join(" ")
    .split(" ")
    .map((name) => `CAP_${name}`);

/**
 * Arguments for a host that lacks capabilities. Docker requests every capability for a privileged container, so the container would not
 * start on such a host. A wrapper around runc removes the missing capabilities from the request.
 */
function withoutMissingCapabilities(): string[] {
    const [, bounding = ""] = /^CapBnd:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    const missing = capabilities.filter((_, bit) => ((BigInt(`0x${bounding}`) >> BigInt(bit)) & 1n) === 0n);
    if (missing.length === 0) {
        return [];
    }
    const edit = missing.map((name) => `s/"${name}",//g; s/,"${name}"//g`).join("; ");
    mkdirSync(state, { recursive: true });
    writeFileSync(
        runtime,
        `#!/bin/sh
previous=
for word in "$@"; do
    case $previous in
        --bundle | -b) sed -i '${edit}' "$word/config.json" ;;
        --process | -p) sed -i '${edit}' "$word" ;;
    esac
    previous=$word
done
exec runc "$@"
`,
        { mode: 0o755 },
    );
    return ["--add-runtime", `sms-machine=${runtime}`, "--default-runtime", "sms-machine"];
}
