/** Retries while a store is busy: the cloud refuses a change that it accepts a few minutes later. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Attempt {
    readonly exitCode: number;
    /** The engine's error messages. */
    readonly errors: readonly string[];
}

interface Patience {
    readonly attempts: number;
    readonly pauseSeconds: number;
    readonly say: (line: string) => void;
}

/** The retries of `deploy`. docs/going-online.md states the same numbers. */
export const deploysPatience = { attempts: 5, pauseSeconds: 30 };

const busyCodes = /\bCode: (IncorrectDBInstanceState|OperationDenied\.DBInstanceStatus)\b/;

/**
 * Tries again if busy stores are the only errors. Returns the last exit code. The alicloud provider itself waits for a busy store when
 * it creates an account, but not when it changes an account's password.
 */
export async function whileBusy(attempt: (isFirst: boolean) => Promise<Attempt>, { attempts, pauseSeconds, say }: Patience) {
    for (let left = attempts - 1; ; left--) {
        const { exitCode, errors } = await attempt(left === attempts - 1);
        if (exitCode === 0 || left === 0 || !isBusy(errors)) {
            return exitCode;
        }
        say(`A store is busy; everything else is done. Trying again in ${pauseSeconds} s.`);
        await sleep(pauseSeconds * 1000);
    }
}

/** Whether each error is a busy store. The engine's last error, "update failed", is a summary and does not count. */
function isBusy(errors: readonly string[]): boolean {
    const causes = errors.filter((message) => message !== "update failed");
    return causes.length > 0 && causes.every((message) => busyCodes.test(message));
}
