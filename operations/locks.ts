/** Who holds a stack's lock. */
import { hostname } from "node:os";
import { execa } from "execa";
import type { StackName } from "../cli/stackName";
import { OperationError } from "./operation";
import { listedAs } from "./stacks";

export interface Lock {
    /** Who it is, in words. */
    readonly holder: string;
    /** Known where the backend keeps files: a folder, a bucket. */
    readonly process?: { readonly host: string; readonly pid: number };
}

/** Runs `pulumi` with these arguments on the stack. */
type Run = (args: readonly string[]) => Promise<{ stdout: string }>;

export async function locksOf(pulumi: Run, stack: StackName): Promise<readonly Lock[]> {
    const listed = listedAs(stack, (await pulumi(["stack", "ls", "--json"])).stdout);
    if (listed?.url !== undefined) {
        return listed.updateInProgress === true ? [{ holder: `an update that ${listed.url} shows` }] : [];
    }
    return lockFiles(pulumi);
}

/** Takes the lock, and so is refused where it is held; and looks at nothing, for no resource has this URN. */
const wantsLock = ["refresh", "--preview-only", "--non-interactive", "--target", "urn:pulumi:nothing::sms::sms:nothing::nothing"];

async function lockFiles(pulumi: Run): Promise<readonly Lock[]> {
    return pulumi(wantsLock).then(
        () => [],
        (error: Error) => {
            const locks = locksIn(error.message);
            if (locks.length === 0 && !error.message.includes("nothing::nothing")) {
                throw error;
            }
            return locks;
        },
    );
}

/** Reads the engine's refusal. */
export function locksIn(refusal: string): readonly Lock[] {
    const found = refusal.matchAll(/: created by (\S*)@(\S*) \(pid (\d+)\) at (\S+)/g);
    return [...found].map(([, user, host = "", pid, since]) => ({
        holder: `process ${pid} of ${user} on ${host}, since ${since}`,
        process: { host, pid: Number(pid) },
    }));
}

/** Refuses to go on while a holder lives on this host: its `up` is at work. */
export async function refuseLiving(locks: readonly Lock[]): Promise<void> {
    for (const { holder, process } of locks) {
        if (process?.host === hostname() && (await isEngine(process.pid))) {
            throw new OperationError(`The lock is held by ${holder}, and that process is at work. Wait for it, or end it with Ctrl-C.`);
        }
    }
}

/** Another program may have got the number since. */
async function isEngine(pid: number): Promise<boolean> {
    const { stdout } = await execa("ps", ["-p", `${pid}`, "-o", "comm="], { reject: false });
    return stdout.trim().split("/").at(-1)?.startsWith("pulumi") === true;
}
