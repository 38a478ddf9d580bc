/**
 * `npm run recover -- --stack online`: after an `up` that was killed. Releases its lock, clears its notes and names what
 * only the cloud knows; the next `up` then brings everything to order. Whoever calls it has seen that the killed one really is gone.
 */
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOption } from "../cli/stackName";
import { clearPending } from "../machine/pending";
import { pulumiCommand } from "./engine";
import { clone } from "./operation";

async function recover({ stack: { qualified: stack } }: { stack: StackName }): Promise<number> {
    const command = await pulumiCommand();
    const unknown = await clearPending((args, input) => execa(command, [...args, "--stack", stack], { cwd: clone, input }));
    process.stdout.write("The lock is released. The next `up` goes on with what was being made in the cluster.\n");
    if (unknown.length > 0) {
        process.stdout.write(
            `These were being made too; the cloud's console says whether they are there. Take each in that is, with its id:\n${unknown
                .map((urn) => `  pulumi import ${typeIn(urn)} ${urn.split("::").at(-1)} ID --stack ${stack}\n`)
                .join("")}`,
        );
    }
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
