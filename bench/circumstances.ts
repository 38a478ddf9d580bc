import { cpus, loadavg, totalmem } from "node:os";
import { execa } from "execa";
import { clone } from "../operations/operation";

/** What has to be known to compare a figure with another day's. */
export interface Circumstances {
    readonly measuredAt: string;
    readonly commit: string;
    readonly node: string;
    readonly processors: string;
    readonly memoryGiB: number;
    /** Of the minute before the end; more than the number of processors says that others were at work. */
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
