import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { StackName } from "../cli/stackName";
import { clone } from "../toolchain/places";
import { deployedImages, type OwnImage, pinnedKey } from "./ownImage";
import { stackFilePath } from "./stackFile";
import type { OnStack } from "./state";

/**
 * Returns the path of the stack file for the next `up`. If the running image is a release of this clone's code, this is a copy that
 * pins the image. Without the pin, the program would build the same code again, and deploy an image without a signature.
 */
export async function releasedFile({ name }: StackName, { tag }: OwnImage, pulumi: OnStack, folder: string): Promise<string> {
    const path = stackFilePath(clone, name);
    const { pin } = tag === undefined ? {} : await deployedImages(pulumi);
    if (pin?.startsWith(`${tag}@`) !== true) {
        return path;
    }
    const copy = join(folder, `Pulumi.${name}.yaml`);
    copyFileSync(path, copy);
    await pulumi(["config", "set", "--path", pinnedKey, pin, "--config-file", copy]);
    return copy;
}
