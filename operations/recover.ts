/**
 * `npm run recover -- --stack online`: after an `up` that was killed. Names who holds its lock and asks whether that one really is
 * gone, releases the lock, clears the notes, names what only the cloud knows, and reads again what was left half made; the next `up`
 * then brings everything to order.
 */
import { agrees, isAttended, yesOption } from "../cli/ask";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../machine/commands";
import { readAgain } from "../machine/halfMade";
import { clearPending, pendingIn } from "../machine/pending";
import { say } from "../machine/progress";
import { nameIn, typeIn } from "./changes";
import { onStack } from "./engine";
import { locksOf, refuseLiving } from "./locks";
import { OperationError } from "./operation";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    readonly yes?: boolean;
}

async function recover({ stack, yes = false }: Options): Promise<number> {
    const pulumi = onStack(await pulumiCommand(), stack.qualified, temporaryFolder("recover"));
    const locks = await locksOf(pulumi, stack);
    await refuseLiving(locks);
    const pending = await pendingIn(pulumi);
    for (const { holder } of locks) {
        say(`The lock of ${stack.qualified} is held by ${holder}.`);
    }
    if (pending.length > 0) {
        say(`An \`up\` was cut short while it made ${pending.map(nameIn).join(", ")}.`);
    }
    if (locks.length > 0 || pending.length > 0) {
        await refuseUnsure(yes);
    }
    if (locks.length > 0) {
        await pulumi(["cancel", "--yes"]);
        say("The lock is released.");
    } else {
        say(`Nobody holds the lock of ${stack.qualified}.`);
    }
    const unknown = await clearPending(pulumi);
    if (pending.length > 0) {
        say("The next `up` goes on with what was being made in the cluster.");
    }
    if (unknown.length > 0) {
        say("These were being made too; the cloud's console says whether they are there. Take each in that is, with its id:");
        for (const urn of unknown) {
            say(`  pulumi import ${typeIn(urn)} ${nameIn(urn)} ID --stack ${stack.qualified}`);
        }
    }
    await readAgain(pulumi, say);
    return 0;
}

/** Two `up`s at the same time would each forget what the other has made. */
async function refuseUnsure(yes: boolean): Promise<void> {
    if (yes) {
        return;
    }
    if (!isAttended()) {
        throw new OperationError("Nothing was changed: nobody is here to ask whether that `up` really is gone. If it is, add --yes.");
    }
    if (!(await agrees("Is that `up` really gone, also in every pipeline?"))) {
        throw new OperationError("Nothing was changed.");
    }
}

start(
    script("recover", "Releases the lock of an `up` that was killed, once you have said that it is gone, and clears its notes.")
        .addOption(stackOption(stackOfBackend))
        .addOption(yesOption())
        .action(exitCode(recover)),
);
