import { rmSync } from "node:fs";
import { join } from "node:path";
import { marker, ownProcesses, startDetached, untilServing } from "../daemons";
import { until } from "../progress";

/** Of a server's name in its environment: the machine's own daemons have theirs there too (`../daemons`), and see it as one of theirs. */
const prefix = "alicloud ";

const pidsOf = (id: string) => ownProcesses().filter(({ daemon }) => daemon === `${prefix}${id}`);

export interface Server {
    readonly id: string;
    readonly command: string;
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    /** What comes before the command: see `Site.before`. */
    readonly before?: readonly string[];
    /** Where it works and logs. */
    readonly folder: string;
    readonly isReady: () => Promise<boolean>;
}

/** Starts the server unless it runs, and waits until it serves. It outlives us. */
export async function ensureServing({ id, command, args, before = [], env, folder, isReady }: Server): Promise<void> {
    const title = `${command} of ${id}`;
    const logFile = join(folder, "log");
    const isThere = () => pidsOf(id).length > 0;
    if (!isThere()) {
        // Left by one that was killed.
        rmSync(join(folder, "own.sock"), { force: true });
        // Nothing of ours: the provider's environment has the user's keys.
        const own = { PATH: process.env.PATH ?? "", ...env, [marker]: `${prefix}${id}` };
        const [first = "", ...rest] = [...before, command, ...args];
        await startDetached({ title, command: first, args: rest, cwd: folder, env: own, logFile });
    }
    await untilServing({ title, logFile, isReady, isThere });
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
