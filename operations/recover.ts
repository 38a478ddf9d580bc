/**
 * `npm run recover -- --stack online`: after an `up` that was killed. Releases its lock, clears its notes, names what only the
 * cloud knows, and reads again what was left half made; the next `up` then brings everything to order. Whoever calls it has seen
 * that the killed one really is gone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOption } from "../cli/stackName";
import { readAgain } from "../machine/halfMade";
import { clearPending } from "../machine/pending";
import { say } from "../machine/progress";
import { onStack, pulumiCommand } from "./engine";

async function recover({ stack: { qualified: stack } }: { stack: StackName }): Promise<number> {
    const temporary = mkdtempSync(join(tmpdir(), "sms-recover-"));
    process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));
    const pulumi = onStack(await pulumiCommand(), stack, temporary);
    const unknown = await clearPending(pulumi);
    process.stdout.write("The lock is released. The next `up` goes on with what was being made in the cluster.\n");
    if (unknown.length > 0) {
        process.stdout.write(
            `These were being made too; the cloud's console says whether they are there. Take each in that is, with its id:\n${unknown
                .map((urn) => `  pulumi import ${typeIn(urn)} ${urn.split("::").at(-1)} ID --stack ${stack}\n`)
                .join("")}`,
        );
    }
    await readAgain(pulumi, say);
    return 0;
}

/** A URN has the types of its parents before its own. */
function typeIn(urn: string): string | undefined {
    return urn.split("::")[2]?.split("$").at(-1);
}

start(
    script("recover", "Releases the lock of an `up` that was killed, and clears its notes of what it was making.")
        .addOption(stackOption())
        .action(exitCode(recover)),
);
