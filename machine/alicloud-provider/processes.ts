import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ownProcesses } from "../daemons";
import { until } from "../progress";

/** In the environment of each server of the cloud's, as with the machine's own daemons (`../daemons`), which see it as one of theirs. */
const marker = "SMS_MACHINE_DAEMON";
const prefix = "alicloud ";

const pidsOf = (id: string) => ownProcesses().filter(({ daemon }) => daemon === `${prefix}${id}`);

export interface Server {
    readonly id: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** Where it works and logs. */
    readonly folder: string;
    readonly isReady: () => Promise<boolean>;
}

/** Starts the server unless it runs, and waits until it serves. It outlives us. */
export async function ensureServing({ id, command, args, env, folder, isReady }: Server): Promise<void> {
    const logFile = join(folder, "log");
    if (pidsOf(id).length === 0) {
        // Left by one that was killed.
        rmSync(join(folder, "own.sock"), { force: true });
        const log = openSync(logFile, "a", 0o600);
        const child = spawn(command, args, {
            cwd: folder,
            detached: true,
            stdio: ["ignore", log, log],
            // Nothing of ours: the provider's environment has the user's keys.
            env: { PATH: process.env.PATH ?? "", ...env, [marker]: `${prefix}${id}` },
        });
        closeSync(log);
        await new Promise<void>((done, fail) => child.once("spawn", done).once("error", fail));
        child.unref();
    }
    const lastLines = () => readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-5).join("\n    ");
    await until(
        async () => {
            if (await isReady()) {
                return true;
            }
            if (pidsOf(id).length === 0) {
                throw new Error(`${command} of ${id} ended; the last lines of ${logFile}:\n    ${lastLines()}`);
            }
            return false;
        },
        60,
        () => `${command} of ${id} doesn't answer after 60 s; the last lines of ${logFile}:\n    ${lastLines()}`,
    );
}

/** Ends the server: asks, and insists after 10 s. */
export async function end(id: string): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        for (const { pid } of pidsOf(id)) {
            process.kill(pid, signal);
        }
        const ended = until(
            async () => pidsOf(id).length === 0,
            10,
            () => `${id} doesn't end with ${signal}`,
        );
        if (
            await ended.then(
                () => true,
                () => signal === "SIGKILL",
            )
        ) {
            return;
        }
    }
}

/** Ends every server of the cloud's. */
export async function endAll(): Promise<void> {
    const ids = new Set(ownProcesses().flatMap(({ daemon }) => (daemon.startsWith(prefix) ? [daemon.slice(prefix.length)] : [])));
    for (const id of ids) {
        await end(id);
    }
}
