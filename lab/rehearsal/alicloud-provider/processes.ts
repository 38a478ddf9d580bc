import { rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../toolchain/progress";
import { ensureServing, marker, ownProcesses, startDetached } from "../../machine/daemons";

/**
 * The prefix of a server's name in the environment variable of `../daemons`. So the machine also finds these servers as its own processes.
 */
const prefix = "alicloud ";

const pidsOf = (id: string) => ownProcesses().filter(({ daemon }) => daemon === `${prefix}${id}`);

export interface Server {
    readonly id: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** The prefix of the command: see `Site.before`. */
    readonly before?: readonly string[];
    /** The working directory, which also has the log. */
    readonly folder: string;
    readonly isReady: () => Promise<boolean>;
}

/** Starts the server if it does not run, and waits until it serves. It continues to run when this process ends. */
export async function ensureServer({ id, command, args, before = [], env, folder, isReady }: Server): Promise<void> {
    const title = `${command} of ${id}`;
    const logFile = join(folder, "log");
    const start = () => {
        // A killed server leaves its socket.
        rmSync(join(folder, "own.sock"), { force: true });
        // A new environment, because the provider's own has the user's keys.
        const own = { PATH: process.env.PATH ?? "", ...env, [marker]: `${prefix}${id}` };
        const [first = "", ...rest] = [...before, command, ...args];
        return startDetached({ title, command: first, args: rest, cwd: folder, env: own, logFile });
    };
    await ensureServing(pidsOf(id)[0]?.pid, { title, logFile, isReady, start });
}

/** Ends the server with SIGTERM, and with SIGKILL after 10 s. */
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

/** Ends all servers of the cloud. */
export async function endAll(): Promise<void> {
    const ids = new Set(ownProcesses().flatMap(({ daemon }) => (daemon.startsWith(prefix) ? [daemon.slice(prefix.length)] : [])));
    for (const id of ids) {
        await end(id);
    }
}
