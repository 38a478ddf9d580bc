/**
 * `npm run deploy -- --stack online`: what the pipeline does on main. A preview against the stack's state, with all policies;
 * then the `up`, unless a policy refuses it or data would be lost.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { type StackName, stackOption } from "../cli/stackName";
import { readAgain } from "../machine/halfMade";
import { say } from "../machine/progress";
import { onStack, pulumiCommand } from "./engine";
import { clone, OperationError } from "./operation";
import { preview } from "./preview";
import { stackFilePath } from "./stackFile";

interface Options {
    readonly stack: StackName;
    readonly acceptLoss?: boolean;
}

async function deploy({ stack, acceptLoss = false }: Options): Promise<number> {
    // The Kubernetes provider leaves the cluster's kubeconfig where temporary files go: it goes with the folder.
    const temporary = mkdtempSync(join(tmpdir(), "sms-deploy-"));
    process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));
    const command = await pulumiCommand();
    await readAgain(onStack(command, stack.qualified, temporary), say);
    const { succeeded, isLoss } = await preview({ stack, state: true, strict: true });
    if (!succeeded) {
        return 1;
    }
    if (isLoss && !acceptLoss) {
        throw new OperationError(
            "What the preview names first would be lost: nothing was changed.\n" +
                `If that is what you want and there is a backup: npm run deploy -- --stack ${stack.qualified} --accept-loss`,
        );
    }
    const up = ["up", "--yes", "--skip-preview", "--non-interactive", "--policy-pack", "policies"];
    const target = ["--stack", stack.qualified, "--config-file", stackFilePath(clone, stack.name)];
    const result = await execa(command, [...up, ...target], {
        cwd: clone,
        env: { TMPDIR: temporary },
        stdio: "inherit",
        reject: false,
    });
    return result.exitCode ?? 1;
}

start(
    script("deploy", "Previews a stack against its state, with all policies, then brings it up.")
        .addOption(stackOption())
        .option("--accept-loss", "go on where something would be lost")
        .action(exitCode(deploy)),
);
