import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { logs } from "./places";
import { MachineError, until } from "./progress";

/** The long-running processes of the machine's own on this host, by the name of their executable: kwok while something is measured. */
export type DaemonName = "dockerd" | "kwok";

export interface Daemon {
    readonly name: DaemonName;
    readonly command: string;
    readonly args: readonly string[];
    /** Whether it serves; asked until it does. */
    readonly isReady: () => Promise<boolean>;
}

/** How long a daemon may take to serve: the slowest, dockerd after a power cut, took 7 s on 2 cores. */
const readySeconds = 60;

/**
 * Each daemon carries its name in its environment, and what it starts inherits it. So a process of ours is
 * known for certain, also one whose starter was killed before it could write anything down.
 */
export const marker = "SMS_MACHINE_DAEMON";
/** Where a redis-server starts, it puts a zero byte in the place of each `=` for a moment: it copies its environment. */
const markerIn = new RegExp(`(?:^|\\0)${marker}[=\\0]([^\\0]*)`);

interface Process {
    pid: number;
    daemon: string;
    executable: string;
    leadsSession: boolean;
}

/** What a command of the machine starts to prepare it: compilers, debootstrap, kubeadm, the engine. */
const preparation = "preparation";

/** Ends what an earlier command left at work when it was killed, and marks what this one will start. Gives what ends the marking. */
export async function takeOverPreparation(): Promise<() => void> {
    // Started by a command that holds the turn, this one is itself what it would end.
    if (process.env[marker] !== preparation) {
        await stop(preparation);
    }
    process.env[marker] = preparation;
    return () => {
        delete process.env[marker];
    };
}

/** All processes that the machine's daemons are or have started, but for containers' own. */
export function ownProcesses(): Process[] {
    return (existsSync("/proc") ? readdirSync("/proc") : [])
        .filter((entry) => /^\d+$/.test(entry))
        .flatMap((entry) => {
            try {
                const [, daemon] = markerIn.exec(readFileSync(`/proc/${entry}/environ`, "latin1")) ?? [];
                if (daemon === undefined) {
                    return [];
                }
                const executable = basename(readlinkSync(`/proc/${entry}/exe`));
                return [{ pid: Number(entry), daemon, executable, leadsSession: sessionOf(entry) === entry }];
            } catch {
                return []; // It ended while we looked.
            }
        });
}

/** proc(5): the fourth field after the name, which may hold blanks and brackets itself. */
function sessionOf(pid: string): string | undefined {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[3];
}

/** A daemon leads its session. What it has forked, and is still to become another program, looks like it else. */
export function daemonPid(name: DaemonName): number | undefined {
    return ownProcesses().find((process) => process.daemon === name && process.executable === name && process.leadsSession)?.pid;
}

interface Start {
    /** What it is called where it fails. */
    readonly title: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly cwd?: string;
    readonly env: NodeJS.ProcessEnv;
    /** Where what it says is added. */
    readonly logFile: string;
}

/** Starts a process that outlives us, in a session of its own. Gives its id. */
export async function startDetached({ title, command, args, cwd, env, logFile }: Start): Promise<number> {
    const log = openSync(logFile, "a", 0o600);
    const child = spawn(command, args, { cwd, detached: true, stdio: ["ignore", log, log], env });
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", (error) => reject(new MachineError(`${title} does not start: ${error.message}`)));
    });
    child.unref();
    return child.pid as number;
}

interface Awaited extends Pick<Start, "title" | "logFile"> {
    readonly isReady: () => Promise<boolean>;
    readonly isThere: () => boolean;
}

/** Waits until it serves; fails with the last lines of its log where it has ended, or takes too long. */
export async function untilServing({ title, logFile, isReady, isThere }: Awaited): Promise<void> {
    const lastLines = () => {
        const lines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-5);
        return `the last lines of ${logFile}:\n    ${lines.join("\n    ")}`;
    };
    await until(
        async () => {
            if (await isReady()) {
                return true;
            }
            if (!isThere()) {
                throw new MachineError(`${title} ended; ${lastLines()}`);
            }
            return false;
        },
        readySeconds,
        () => `${title} does not answer after ${readySeconds} s; ${lastLines()}`,
    );
}

/**
 * A cloud's node is asked by a control plane elsewhere. Here each daemon, a session of its own, would weigh as much for the scheduler
 * as all pods together on one of the cores (sched(7), the autogroup feature; 10 is a tenth of that).
 */
function yieldToPods(pid: number): void {
    const niceness = `/proc/${pid}/autogroup`;
    if (existsSync(niceness)) {
        writeFileSync(niceness, "10");
    }
}

/** Starts the daemon unless it runs already, and waits until it serves. */
export async function ensureRunning({ name, command, args, isReady }: Daemon): Promise<"running" | "started"> {
    const isThere = () => daemonPid(name) !== undefined;
    const wasRunning = isThere();
    const logFile = join(logs, `${name}.log`);
    if (!wasRunning) {
        yieldToPods(await startDetached({ title: name, command, args, env: { ...process.env, [marker]: name }, logFile }));
    }
    await untilServing({ title: name, logFile, isReady, isThere });
    return wasRunning ? "running" : "started";
}

function isAlive(pid: number): boolean {
    return ownProcesses().some((process) => process.pid === pid);
}

/** Ends a process: asks with SIGTERM, insists with SIGKILL after 20 s. */
async function end(pid: number): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        if (!isAlive(pid)) {
            return;
        }
        process.kill(pid, signal);
        try {
            await until(
                async () => !isAlive(pid),
                20,
                () => `process ${pid} does not end, not even with ${signal}`,
            );
        } catch (error) {
            if (signal === "SIGKILL") {
                throw error;
            }
        }
    }
}

/** Stops a daemon and whatever it started that still runs. */
export async function stop(name: DaemonName | typeof preparation): Promise<void> {
    for (const process of ownProcesses().filter((process) => process.daemon === name)) {
        await end(process.pid);
    }
}

/** Stops whatever of the machine's own still runs, the last started first: a daemon goes before what it needs. */
export async function stopAll(): Promise<void> {
    for (const process of ownProcesses().sort((a, b) => b.pid - a.pid)) {
        await end(process.pid);
    }
}
