/** `npm run scan -- --stack online`: lists the known faults of the images that the stack's pods run since the last `up`. */
import { Option } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../cli/command";
import { say } from "../cli/say";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../toolchain/commands";
import { onStack } from "./engine";
import { atLeast, faultsOf, levels, listed } from "./grype";
import { OperationError } from "./operation";
import { completedFile, deployedImages, ownImage, registryEnv } from "./ownImage";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    readonly level: string;
}

async function scan({ stack, level }: Options): Promise<number> {
    const folder = temporaryFolder("scan");
    const pulumi = onStack(await pulumiCommand(), stack.qualified, folder);
    const image = ownImage(stack.name, await completedFile(stack.name, pulumi));
    const { app, pushed } = await deployedImages(pulumi);
    if (app === undefined) {
        throw new OperationError("The stack's state has no image: it was never deployed.");
    }
    const { platform } = image;
    const env = await registryEnv(image, pulumi, folder);
    const [host] = image.repository.split("/");
    // Nodes may pull the image from a host that only they can reach.
    const references = new Set([app.replace(/^[^/]+/, host ?? ""), ...pushed].map(withoutTag));
    let failed = false;
    for (const reference of references) {
        const faults = await faultsOf(reference, { platform, env });
        const grave = atLeast(level, faults);
        say(`\n${reference}: ${faults.length} known faults that a newer version hasn't, ${grave.length} of them ${level} or worse`);
        say(listed(faults));
        failed ||= grave.length > 0;
    }
    return failed ? 1 : 0;
}

/** Removes the tag, so that two references to one image are equal. */
function withoutTag(reference: string): string {
    return reference.replace(/:[^:/@]+@/, "@");
}

start(
    script("scan", "Looks for known faults in the images that a stack runs. Nothing is changed.")
        .addOption(stackOption(stackOfBackend))
        .addOption(new Option("--level <severity>", "the least severity of a fault that fails").choices(levels).default("high"))
        .action(exitCode(scan)),
);
