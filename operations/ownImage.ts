/** The image that a stack builds, by its stack file, and the images that it runs, by its state. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { acrHosts } from "../components/acrHosts";
import { type Build, buildOf, contentTag } from "../components/contentTag";
import { atProgram } from "../settings/atProgram";
import type { PlainSettings } from "../settings/schema";
import { clone } from "../toolchain/places";
import { withEnvironment } from "./esc";
import { type Completed, complete, readPlaceholders, settingsOf } from "./placeholders";
import { readStackFile } from "./stackFile";
import { type OnStack, stateOf } from "./state";

export const pinnedKey = "sms:image.pinned";

export interface OwnImage {
    /** `host/repository`, as this host reaches it. */
    readonly repository: string;
    readonly platform: string;
    /** The registry's account. Its password is `sms:registryPassword`. */
    readonly username?: string;
    /** Undefined if the stack file names the image to run. */
    readonly build?: Build;
    /** The tag of a release. It differs from the tag that `up` pushes, because that image has no signature and no SBOM. */
    readonly tag?: string;
}

/** The stack file, with placeholders for its encrypted values. */
export async function completedFile(stack: string, pulumi: OnStack): Promise<Completed> {
    return complete(stack, await withEnvironment(readStackFile(clone, stack), pulumi), readPlaceholders());
}

export function ownImage(stack: string, completed: Completed): OwnImage {
    const { registry, image, alibaba } = settingsOf(stack, completed);
    const known = { ...placeOf(registry, alibaba?.region ?? ""), platform: image.platform };
    if (image.kind === "given" || image.pinned !== undefined) {
        return known;
    }
    const build = buildOf({ ...image, context: atProgram(image.context) });
    return { ...known, build, tag: `release-${contentTag(build)}` };
}

function placeOf(registry: PlainSettings["registry"], region: string): { repository: string; username?: string } {
    if (registry.kind === "acr") {
        const { push } = acrHosts(registry.instanceName, region);
        return { repository: `${push}/${registry.namespace}/${registry.repository}`, username: registry.username };
    }
    const repository = `${registry.server}/${registry.repository}`;
    return registry.kind === "anonymous" ? { repository } : { repository, username: registry.username };
}

/** `TAG@sha256:…` at the end of a full image reference, or alone. Undefined if the text has no such end. */
export function pinOf(reference: string): string | undefined {
    return /(?:^|[^/]*:)([\w][\w.-]*@sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
}

/** The images of the last `up`. */
export interface Deployed {
    /** The app's image, as nodes pull it. Undefined before the first `up`. */
    readonly app?: string;
    /** The app's image, in the form of `sms:image.pinned`. */
    readonly pin?: string;
    /** The images that `up` pushed, with the host that they were pushed to. */
    readonly pushed: readonly string[];
}

export async function deployedImages(pulumi: OnStack): Promise<Deployed> {
    const { deployment } = await stateOf(pulumi);
    const texts = (type: string, output: string) =>
        (deployment?.resources ?? [])
            .filter((resource) => resource.type === type)
            .map(({ outputs }) => outputs?.[output])
            .filter((value) => typeof value === "string");
    const [app] = texts("pulumi:pulumi:Stack", "image");
    return { app, pin: pinOf(app ?? ""), pushed: texts("docker:index/image:Image", "repoDigest") };
}

/** Environment variables that give docker, cosign and grype the registry's account. They are valid until the folder is deleted. */
export async function registryEnv({ repository, username }: OwnImage, pulumi: OnStack, folder: string): Promise<Record<string, string>> {
    if (username === undefined) {
        return {};
    }
    const password = (await pulumi(["config", "get", "sms:registryPassword"])).stdout;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    const usual = process.env.DOCKER_CONFIG ?? join(process.env.HOME ?? "", ".docker");
    const config = {
        auths: { [repository.split("/")[0] ?? ""]: { auth } },
        cliPluginsExtraDirs: [join(usual, "cli-plugins")],
    };
    writeFileSync(join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
    return { DOCKER_CONFIG: folder, BUILDX_CONFIG: process.env.BUILDX_CONFIG ?? join(usual, "buildx") };
}
