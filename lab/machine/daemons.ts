import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { logs } from "../../toolchain/places";
import { MachineError, until } from "../../toolchain/progress";

/** The machine's own long-running processes on this host, by the name of their executable. kwok runs only during a measurement. */
export type DaemonName = "dockerd" | "kwok";

export interface Daemon {
    readonly name: DaemonName;
    readonly command: string;
    readonly args: readonly string[];
    /** Whether the daemon serves. It is called until it returns true. */
    readonly isReady: () => Promise<boolean>;
}

/** The limit until a daemon serves. The slowest case, dockerd after a power cut, took 7 s on 2 cores. */
const readySeconds = 60;

/**
 * The environment variable with the daemon's name. Child processes inherit it. So the machine recognizes each of its processes, even if
 * the command that started it was killed before it could write a PID file.
 */
export const marker = "SMS_MACHINE_DAEMON";
/** Accepts a zero byte instead of `=`: a starting redis-server copies its environment and replaces each `=` for a moment. */
const markerIn = new RegExp(`(?:^|\\0)${marker}[=\\0]([^\\0]*)`);

interface Process {
    pid: number;
    daemon: string;
    executable: string;
    leadsSession: boolean;
}

/** The marker's value for processes that prepare the machine: compilers, debootstrap, kubeadm, the engine. */
const preparation = "preparation";

/** Ends the processes that a killed command left running, and marks the processes of this one. Returns a function that ends the marking. */
export async function takeOverPreparation(): Promise<() => void> {
    // If a command that holds the lock started this one, this process has the marker too, and would end itself.
    if (process.env[marker] !== preparation) {
        await stop(preparation);
    }
    process.env[marker] = preparation;
    return () => {
        delete process.env[marker];
    };
}

/** The machine's daemons and all processes that they started, without processes in containers. */
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

/** The session's id: the fourth field after the name (proc(5)). The name itself may contain spaces and parentheses. */
function sessionOf(pid: string): string | undefined {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[3];
}

/** The daemon's PID. Only the daemon leads its session; a fork that has not executed another program yet looks the same otherwise. */
export function daemonPid(name: DaemonName): number | undefined {
    return ownProcesses().find((process) => process.daemon === name && process.executable === name && process.leadsSession)?.pid;
}

interface Start {
    /** The name in error messages. */
    readonly title: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly cwd?: string;
    readonly env: NodeJS.ProcessEnv;
    /** Standard output and standard error are appended to this file. */
    readonly logFile: string;
}

/** Starts a process in its own session. It continues to run when this process ends. Returns its PID. */
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

/** Whether the process has ended. A zombie counts as ended: its parent has not read its exit code yet (proc(5): Z). */
function hasEnded(pid: number): boolean {
    try {
        return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
        return true;
    }
}

interface Service extends Pick<Start, "title" | "logFile"> {
    /** Whether the service serves. It is called until it returns true. */
    readonly isReady: () => Promise<boolean>;
    /** Returns the PID. */
    readonly start: () => Promise<number>;
}

/**
 * Waits until the process `found` serves. If there is none, or it ends first, starts the service and waits. Throws a MachineError with
 * the last lines of the log if the service ends or takes too long.
 */
export async function ensureServing(found: number | undefined, service: Service): Promise<"running" | "started"> {
    if (found !== undefined && (await comesToServe(found, service))) {
        return "running";
    }
    if (!(await comesToServe(await service.start(), service))) {
        throw new MachineError(`${service.title} ended; ${lastLines(service.logFile)}`);
    }
    return "started";
}

async function comesToServe(pid: number, { title, logFile, isReady }: Service): Promise<boolean> {
    let serves = false;
    await until(
        async () => {
            serves = await isReady();
            return serves || hasEnded(pid);
        },
        readySeconds,
        () => `${title} does not answer after ${readySeconds} s; ${lastLines(logFile)}`,
    );
    return serves;
}

function lastLines(file: string): string {
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").slice(-5);
    return `the last lines of ${file}:\n    ${lines.join("\n    ")}`;
}

/**
 * Gives a daemon a tenth of the default CPU weight. In the cloud, the control plane runs on other machines. Here, without this, a daemon's
 * session would weigh as much on a core as all pods together (sched(7), autogroup: niceness 10 is a tenth).
 */
function yieldToPods(pid: number): void {
    const niceness = `/proc/${pid}/autogroup`;
    if (existsSync(niceness)) {
        writeFileSync(niceness, "10");
    }
}

/** Starts the daemon if it does not run, and waits until it serves. */
export async function ensureRunning({ name, command, args, isReady }: Daemon): Promise<"running" | "started"> {
    const logFile = join(logs, `${name}.log`);
    const start = async () => {
        const pid = await startDetached({ title: name, command, args, env: { ...process.env, [marker]: name }, logFile });
        yieldToPods(pid);
        return pid;
    };
    return ensureServing(daemonPid(name), { title: name, logFile, isReady, start });
}

function isAlive(pid: number): boolean {
    return ownProcesses().some((process) => process.pid === pid);
}

/** Ends a process with SIGTERM, and with SIGKILL after 20 s. */
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

/** Stops a daemon and all its child processes. */
export async function stop(name: DaemonName | typeof preparation): Promise<void> {
    for (const process of ownProcesses().filter((process) => process.daemon === name)) {
        await end(process.pid);
    }
}

/** Stops all processes of the machine, the newest first. So a daemon ends before the daemons that it needs. */
export async function stopAll(): Promise<void> {
    for (const process of ownProcesses().sort((a, b) => b.pid - a.pid)) {
        await end(process.pid);
    }
}
