import { constants } from "node:os";
import { execa } from "execa";

let running = 0;

/** Ends this process on SIGINT or SIGTERM, after its exit handlers. If a command runs in the foreground, the command ends first. */
export function endBySignals(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.on(signal, () => {
            if (running === 0) {
                process.exit(128 + constants.signals[signal]);
            }
        });
    }
}

interface Where {
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a command in the user's terminal until it ends, and returns its exit code. The terminal's Ctrl-C reaches the command too. If this
 * process ended first, the command would get a second signal. After two signals Pulumi's engine stops at once and leaves half-made
 * resources.
 */
export async function inForeground(command: string, args: readonly string[], where: Where): Promise<number> {
    const child = execa(command, args, { ...where, stdio: "inherit", reject: false, cleanup: false });
    const passOn = () => child.kill("SIGTERM");
    process.on("SIGTERM", passOn);
    running++;
    try {
        return (await child).exitCode ?? 1;
    } finally {
        running--;
        process.off("SIGTERM", passOn);
    }
}
