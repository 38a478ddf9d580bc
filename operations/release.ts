/**
 * `npm run release -- --stack online`: builds this clone's image with SBOM and provenance, scans it, signs it, and names it in the
 * stack file for the next `deploy`. The signature comes last, so an image with known faults is pushed but not signed.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { say } from "../cli/say";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { pulumiCommand } from "../toolchain/commands";
import { clone } from "../toolchain/places";
import { onStack } from "./engine";
import { atLeast, faultsOf, levels, listed } from "./grype";
import { OperationError } from "./operation";
import { completedFile, deployedImages, type OwnImage, ownImage, pinnedKey, registryEnv } from "./ownImage";
import { refuseGaps } from "./preview";
import { temporaryFolder } from "./temporary";

interface Options {
    readonly stack: StackName;
    readonly level: string;
}

async function release({ stack, level }: Options): Promise<number> {
    const folder = temporaryFolder("release");
    const pulumi = onStack(await pulumiCommand(), stack.qualified, folder);
    const completed = await completedFile(stack.name, pulumi);
    refuseGaps(stack.name, completed);
    const image = ownImage(stack.name, completed);
    const { app, pin, pushed } = await deployedImages(pulumi);
    const env = await registryEnv(image, pulumi, folder);
    // The log collector's image, which `up` copied into the same repository.
    for (const reference of pushed.filter((name) => !isOfApp(name, app))) {
        await sign(reference, env, folder);
    }
    if (image.build === undefined) {
        say(`Pulumi.${stack.name}.yaml names the image that runs: nothing is built.`);
        return 0;
    }
    if (pin?.startsWith(`${image.tag}@`)) {
        say(`${app} is this clone's release and runs already: nothing is built.`);
        return 0;
    }
    const digest = await push(image, env, folder);
    const reference = `${image.repository}@${digest}`;
    const faults = atLeast(level, await faultsOf(reference, { platform: image.platform, env }));
    if (faults.length > 0) {
        throw new OperationError(
            `${reference} has known faults that a newer version hasn't, so it is not signed:\n${listed(faults)}\n` +
                "Lock the fixed version (npm run audit), or name a newer sms:image.baseImage: docs/upgrading.md.",
        );
    }
    await sign(reference, env, folder);
    await pulumi(["config", "set", "--path", pinnedKey, `${image.tag}@${digest}`]);
    say(`${reference} is signed. Next: npm run deploy -- --stack ${stack.qualified}`);
    return 0;
}

/** Whether `up` pushed the image as the app's, before the first release. */
function isOfApp(reference: string, app = ""): boolean {
    return reference.split("@")[1] === app.split("@")[1];
}

/** Returns the digest of the index, which has the image, its SBOM and its provenance. */
async function push(
    { repository, tag, build, platform }: OwnImage,
    env: Readonly<Record<string, string>>,
    folder: string,
): Promise<string> {
    const metadata = join(folder, "metadata.json");
    const built = await inForeground("docker", buildArgs({ name: `${repository}:${tag}`, platform, build, metadata }), { cwd: clone, env });
    if (built !== 0) {
        throw new OperationError("docker buildx failed, for the reason above. It needs a builder with the driver docker-container.");
    }
    return (JSON.parse(readFileSync(metadata, "utf8")) as { "containerimage.digest": string })["containerimage.digest"];
}

function buildArgs({
    name,
    platform,
    build,
    metadata,
}: Pick<OwnImage, "platform" | "build"> & { name: string; metadata: string }): string[] {
    const args = Object.entries(build?.args ?? {}).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
    const attested = ["--sbom=true", "--provenance=mode=max", "--metadata-file", metadata];
    return ["buildx", "build", "--push", "--platform", platform, "--tag", name, ...attested, ...args, build?.context ?? ""];
}

/** Signs with COSIGN_PRIVATE_KEY if it is set, else with the pipeline's OIDC identity. Does nothing if there is a signature already. */
async function sign(reference: string, env: Readonly<Record<string, string>>, folder: string): Promise<void> {
    const known = await execa("cosign", ["download", "signature", reference], { env, reject: false, stdin: "ignore", cwd: folder });
    if (known.code === "ENOENT") {
        throw new OperationError(
            "There is no cosign on the PATH: install it (https://docs.sigstore.dev/cosign/system_config/installation/).",
        );
    }
    if (!known.failed && known.stdout !== "") {
        return;
    }
    // A pipeline with its own key may not reach the public log, and the policy for keys doesn't require it.
    const how = process.env.COSIGN_PRIVATE_KEY ? ["--key", "env://COSIGN_PRIVATE_KEY", "--tlog-upload=false"] : [];
    if ((await inForeground("cosign", ["sign", "--yes", ...how, reference], { cwd: folder, env })) !== 0) {
        throw new OperationError(`cosign can't sign ${reference}, for the reason above.`);
    }
}

start(
    script("release", "Builds and pushes a stack's image with SBOM and provenance, scans it, signs it, and pins it for the next `deploy`.")
        .addOption(stackOption(stackOfBackend))
        .addOption(new Option("--level <severity>", "the least severity of a fault that fails").choices(levels).default("high"))
        .action(exitCode(release)),
);
