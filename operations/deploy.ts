/**
 * `npm run deploy -- --stack online`: what the pipeline does on main. Reads again what the last `up` left half made; a preview
 * against the stack's state, with all policies; then the `up`, unless a policy refuses it or data would be lost. At a terminal it
 * asks between the two.
 */
import { agrees, isAttended, yesOption } from "../cli/ask";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../machine/commands";
import { readAgain } from "../machine/halfMade";
import { say } from "../machine/progress";
import { onStack } from "./engine";
import { clone, OperationError } from "./operation";
import { preview } from "./preview";
import { stackFilePath } from "./stackFile";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    readonly acceptLoss?: boolean;
    readonly yes?: boolean;
}

async function deploy({ stack, acceptLoss = false, yes = false }: Options): Promise<number> {
    const temporary = temporaryFolder("deploy");
    const command = await pulumiCommand();
    await readAgain(onStack(command, stack.qualified, temporary), say);
    const { succeeded, isChange, isLoss } = await preview({ stack, state: true, strict: true });
    if (!succeeded) {
        return 1;
    }
    if (isLoss && !acceptLoss) {
        throw new OperationError(
            "What the preview names first would be lost: nothing was changed.\n" +
                `If that is what you want and there is a backup: npm run deploy -- --stack ${stack.qualified} --accept-loss`,
        );
    }
    if (isChange && !yes && isAttended() && !(await agrees(`\nChange ${stack.qualified} as shown?`))) {
        throw new OperationError("Nothing was changed.");
    }
    const up = ["up", "--yes", "--skip-preview", "--non-interactive", "--policy-pack", "policies"];
    const target = ["--stack", stack.qualified, "--config-file", stackFilePath(clone, stack.name)];
    return inForeground(command, [...up, ...target], { cwd: clone, env: { TMPDIR: temporary } });
}

start(
    script("deploy", "Previews a stack against its state, with all policies, asks at a terminal, then brings the stack up.")
        .addOption(stackOption(stackOfBackend))
        .addOption(yesOption())
        .option("--accept-loss", "go on where something would be lost")
        .action(exitCode(deploy)),
);
