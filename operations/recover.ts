/**
 * `npm run recover -- --stack online`: after an `up` that was killed. Releases its lock, clears its notes and names what
 * only the cloud knows; the next `up` then brings everything to order. Whoever calls it has seen that the killed one really is gone.
 */
import { parseArgs } from "node:util";
import { execa } from "execa";
import { clearPending } from "../machine/pending";
import { pulumiCommand } from "./engine";
import { clone, OperationError, run } from "./operation";

async function recover(args: string[]): Promise<number> {
    const { stack } = parseArgs({ args, options: { stack: { type: "string" } } }).values;
    if (stack === undefined) {
        throw new OperationError("Which stack? npm run recover -- --stack online");
    }
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

run(async () => recover(process.argv.slice(2)));
