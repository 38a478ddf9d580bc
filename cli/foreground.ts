import { constants } from "node:os";
import { execa } from "execa";

let running = 0;

/** Ends this process where a signal asks for it, after what it has to do at its exit. A command in the foreground ends first. */
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
 * Runs a command in the user's terminal, to its own end, and gives its exit code. The terminal's Ctrl-C reaches it too. If this process
 * ended meanwhile, the command would get a second signal, and for Pulumi's engine two mean: break off, whatever is half made.
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
