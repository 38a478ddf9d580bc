import { cpus, loadavg, totalmem } from "node:os";
import { execa } from "execa";
import { clone } from "../../toolchain/places";

/** The conditions of a measurement, which a reader needs to compare figures of different days. */
export interface Circumstances {
    readonly measuredAt: string;
    readonly commit: string;
    readonly node: string;
    readonly processors: string;
    readonly memoryGiB: number;
    /** The load average of the last minute. If it exceeds the number of processors, other processes were running. */
    readonly load: number;
}

export async function circumstances(): Promise<Circumstances> {
    const { stdout } = await execa("git", ["describe", "--always", "--dirty"], { cwd: clone, reject: false });
    return {
        measuredAt: new Date().toISOString().slice(0, 16),
        commit: stdout,
        node: process.version,
        processors: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        load: Math.round((loadavg()[0] as number) * 10) / 10,
    };
}
