/** The holders of a stack's lock. */
import { hostname } from "node:os";
import { execa } from "execa";
import type { StackName } from "../cli/stackName";
import { OperationError } from "./operation";
import { listedAs } from "./stacks";
import type { OnStack } from "./state";

export interface Lock {
    /** A description for messages. */
    readonly holder: string;
    /** Known only if the backend stores files (a folder or a bucket). */
    readonly process?: { readonly host: string; readonly pid: number };
}

export async function locksOf(pulumi: OnStack, stack: StackName): Promise<readonly Lock[]> {
    const listed = listedAs(stack, (await pulumi(["stack", "ls", "--json"])).stdout);
    if (listed?.url !== undefined) {
        return listed.updateInProgress === true ? [{ holder: `an update that ${listed.url} shows` }] : [];
    }
    return lockFiles(pulumi);
}

/** Tries to acquire the lock, which the engine refuses if it is held. It reads no resource, because no resource has this URN. */
const wantsLock = ["refresh", "--preview-only", "--non-interactive", "--target", "urn:pulumi:nothing::sms::sms:nothing::nothing"];

async function lockFiles(pulumi: OnStack): Promise<readonly Lock[]> {
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

/** Parses the engine's message about a held lock. */
function locksIn(refusal: string): readonly Lock[] {
    const found = refusal.matchAll(/: created by (\S*)@(\S*) \(pid (\d+)\) at (\S+)/g);
    return [...found].map(([, user, host = "", pid, since]) => ({
        holder: `process ${pid} of ${user} on ${host}, since ${since}`,
        process: { host, pid: Number(pid) },
    }));
}

/** Throws an OperationError if a holder's process still runs on this host. */
export async function refuseLiving(locks: readonly Lock[]): Promise<void> {
    for (const { holder, process } of locks) {
        if (process?.host === hostname() && (await isEngine(process.pid))) {
            throw new OperationError(`The lock is held by ${holder}, and that process is at work. Wait for it, or end it with Ctrl-C.`);
        }
    }
}

/** Whether the process is Pulumi. The kernel may have given its number to another program. */
async function isEngine(pid: number): Promise<boolean> {
    const { stdout } = await execa("ps", ["-p", `${pid}`, "-o", "comm="], { reject: false });
    return stdout.trim().split("/").at(-1)?.startsWith("pulumi") === true;
}
