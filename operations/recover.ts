/**
 * `npm run recover -- --stack online`: recovers a stack after a killed `up`.
 *
 * 1. It names the holder of the lock, and asks whether that `up` has really ended.
 * 2. It releases the lock and clears the pending operations.
 * 3. It lists the resources that may exist in the cloud and are not in the state.
 * 4. It refreshes the resources that were created but not finished.
 *
 * The next `up` then completes the change.
 */
import { agrees, isAttended, yesOption } from "../cli/ask";
import { exitCode, script, start } from "../cli/command";
import { say } from "../cli/say";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../toolchain/commands";
import { nameIn, typeIn } from "./changes";
import { onStack } from "./engine";
import { readAgain } from "./halfMade";
import { locksOf, refuseLiving } from "./locks";
import { OperationError } from "./operation";
import { clearPending, pendingIn } from "./pending";
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
        say(`An \`up\` was killed while it created ${pending.map(nameIn).join(", ")}.`);
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
        say("The next `up` continues with the resources in the cluster.");
    }
    if (unknown.length > 0) {
        say("These cloud resources were being created too. Look for each in the cloud's console. If it exists, import it with its id:");
        for (const urn of unknown) {
            say(`  pulumi import ${typeIn(urn)} ${nameIn(urn)} ID --stack ${stack.qualified}`);
        }
    }
    await readAgain(pulumi, say);
    return 0;
}

/** Asks before the lock is released: two simultaneous `up`s would each lose the other's resources from the state. */
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
    script("recover", "Releases the lock of a killed `up` after you confirm that it has ended, and clears its pending operations.")
        .addOption(stackOption(stackOfBackend))
        .addOption(yesOption())
        .action(exitCode(recover)),
);
