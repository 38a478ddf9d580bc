/**
 * `npm run deploy -- --stack online`: what the pipeline does on main. A preview against the stack's state, with all policies;
 * then the `up`, unless a policy refuses it or data would be lost.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { pulumiCommand } from "./engine";
import { clone, OperationError, run } from "./operation";
import { preview } from "./preview";
import { stackFilePath } from "./stackFile";

async function deploy(args: string[]): Promise<number> {
    const { values } = parseArgs({ args, options: { stack: { type: "string" }, "accept-loss": { type: "boolean" } } });
    const { stack } = values;
    if (stack === undefined) {
        throw new OperationError("Which stack? npm run deploy -- --stack online");
    }
    const { succeeded, isLoss } = await preview({ stack, state: true, strict: true });
    if (!succeeded) {
        return 1;
    }
    if (isLoss && values["accept-loss"] !== true) {
        throw new OperationError(
            "What the preview names first would be lost: nothing was changed.\n" +
                `If that is what you want and there is a backup: npm run deploy -- --stack ${stack} --accept-loss`,
        );
    }
    const up = ["up", "--yes", "--skip-preview", "--non-interactive", "--policy-pack", "policies"];
    const target = ["--stack", stack, "--config-file", stackFilePath(clone, stack)];
    // The Kubernetes provider leaves the cluster's kubeconfig where temporary files go: it goes with the folder.
    const temporary = mkdtempSync(join(tmpdir(), "sms-deploy-"));
    process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));
    const { exitCode } = await execa(await pulumiCommand(), [...up, ...target], {
        cwd: clone,
        env: { TMPDIR: temporary },
        stdio: "inherit",
        reject: false,
    });
    return exitCode ?? 1;
}

run(async () => deploy(process.argv.slice(2)));
