/** The known faults that a rollback brings back: the older image has them, and the running image does not. */
import type { StackName } from "../cli/stackName";
import { pulumiCommand } from "../toolchain/commands";
import { onStack } from "./engine";
import { type Fault, faultsOf, listed, onlyIn } from "./grype";
import { completedFile, deployedImages, ownImage, registryEnv } from "./ownImage";

/** The limit is short, because a rollback usually ends an incident. */
const timeout = 120_000;

/** Returns a warning. If the images can't be compared, it says why. The rollback continues in both cases. */
export async function newFaults(stack: StackName, pin: string, folder: string): Promise<string> {
    try {
        const pulumi = onStack(await pulumiCommand(), stack.qualified, folder);
        const { pin: current } = await deployedImages(pulumi);
        if (current === undefined) {
            return "Known faults are not compared: the stack's state doesn't name the image that runs.";
        }
        const image = ownImage(stack.name, await completedFile(stack.name, pulumi));
        const env = await registryEnv(image, pulumi, folder);
        const how = { platform: image.platform, env, timeout };
        const of = (each: string) => faultsOf(`${image.repository}@${each.split("@")[1]}`, how);
        const [older, newer] = await Promise.all([of(pin), of(current)]);
        return comparison(onlyIn(older, newer));
    } catch (error) {
        return `Known faults are not compared. ${(error as Error).message}`;
    }
}

export function comparison(faults: readonly Fault[]): string {
    return faults.length === 0
        ? "The older image has no known fault that the one that runs hasn't."
        : `WARNING: the older image has ${faults.length} known faults that the one that runs hasn't:\n${listed(faults)}\n` +
              "Go forward again as soon as you can.";
}
