/**
 * `npm run deploy -- --stack online`: the command that the pipeline runs on main. First it refreshes the resources that the last `up`
 * created but did not finish. Then it previews against the stack's state, with all policies. Then it runs `up`, unless a policy
 * refuses the change or data would be lost. At a terminal it asks before the `up`. If a store is busy, it starts again after a
 * pause, and doesn't ask again.
 */

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { agrees, isAttended, yesOption } from "../cli/ask";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { say } from "../cli/say";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../toolchain/commands";
import { clone } from "../toolchain/places";
import { readPreview } from "./changes";
import { onStack } from "./engine";
import { readAgain } from "./halfMade";
import { OperationError } from "./operation";
import { type Attempt, deploysPatience, whileBusy } from "./patience";
import { preview } from "./preview";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    readonly acceptLoss?: boolean;
    readonly yes?: boolean;
}

async function deploy({ stack, acceptLoss = false, yes = false }: Options): Promise<number> {
    const temporary = temporaryFolder("deploy");
    const command = await pulumiCommand();
    return whileBusy((isFirst) => attempt({ stack, acceptLoss, asks: isFirst && !yes }, { command, temporary }), {
        ...deploysPatience,
        say,
    });
}

interface Attempted {
    readonly stack: StackName;
    readonly acceptLoss: boolean;
    readonly asks: boolean;
}

async function attempt({ stack, acceptLoss, asks }: Attempted, engine: { command: string; temporary: string }): Promise<Attempt> {
    const { command, temporary } = engine;
    await readAgain(onStack(command, stack.qualified, temporary), say);
    const { succeeded, isChange, isLoss, file } = await preview({ stack, state: true, strict: true });
    if (!succeeded) {
        return { exitCode: 1, errors: [] };
    }
    if (isLoss && !acceptLoss) {
        throw new OperationError(
            "The change would lose the data that the preview names first. Nothing was changed.\n" +
                `If you accept the loss and have a backup: npm run deploy -- --stack ${stack.qualified} --accept-loss`,
        );
    }
    if (isChange && asks && isAttended() && !(await agrees(`\nChange ${stack.qualified} as shown?`))) {
        throw new OperationError("Nothing was changed.");
    }
    const up = ["up", "--yes", "--skip-preview", "--non-interactive", "--policy-pack", "policies"];
    const target = ["--stack", stack.qualified, "--config-file", file];
    const log = join(temporary, "events.json");
    rmSync(log, { force: true });
    // The engine accepts --event-log only with this variable.
    const env = { TMPDIR: temporary, PULUMI_DEBUG_COMMANDS: "true" };
    const exitCode = await inForeground(command, [...up, ...target, "--event-log", log], { cwd: clone, env });
    return { exitCode, errors: existsSync(log) ? readPreview(readFileSync(log, "utf8")).errors : [] };
}

start(
    script("deploy", "Previews a stack against its state, with all policies, asks at a terminal, then brings the stack up.")
        .addOption(stackOption(stackOfBackend))
        .addOption(yesOption())
        .option("--accept-loss", "continue even if data would be lost")
        .action(exitCode(deploy)),
);
