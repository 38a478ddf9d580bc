import { Image as DockerImage } from "@pulumi/docker/image";
import * as pulumi from "@pulumi/pulumi";
import { contentTag } from "./contentTag";
import type { Registry } from "./registry";

export interface ImageArgs {
    /** The folder with the Dockerfile. */
    context: string;
    /** Where it is pushed to and pulled from. */
    registry: Registry;
    baseImage: string;
    platform: string;
    /** Stay readable in the image's history. */
    buildArgs: Record<string, string>;
    /** `tag@sha256:…` of an image that was pushed before: it runs, and nothing is built. */
    pinned?: string;
}

/** The product's image: built from `context` and pushed whenever its content changes. */
export class Image extends pulumi.ComponentResource {
    /** `host/repository:tag@sha256:…`, as nodes pull it: the tag lets a preview show what will roll, the digest decides what runs. */
    readonly reference: pulumi.Output<string>;

    constructor(name: string, args: ImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:image:Image", name, {}, opts);

        const { pull, repository } = args.registry;
        this.reference = pulumi.interpolate`${pull}/${repository}:${args.pinned ?? pushed(name, args, { parent: this })}`;
        this.registerOutputs({ reference: this.reference });
    }
}

/** Builds and pushes. Gives `tag@sha256:…`. */
function pushed(name: string, { registry, ...args }: ImageArgs, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const { push, repository, username, password } = registry;
    const build = { context: args.context, platform: args.platform, args: { ...args.buildArgs, BASE_IMAGE: args.baseImage } };
    const tag = contentTag(build);
    const image = new DockerImage(
        `${name}-image`,
        {
            imageName: pulumi.interpolate`${push}/${repository}:${tag}`,
            build,
            registry: { server: push, username, password: pulumi.secret(password) },
        },
        opts,
    );
    // repoDigest keeps its old value in a preview; the tag is known beforehand.
    return image.repoDigest.apply((repoDigest) => `${tag}@${repoDigest.split("@").at(-1)}`);
}
