import { Image as DockerImage } from "@pulumi/docker/image";
import * as pulumi from "@pulumi/pulumi";
import { buildOf, contentTag } from "./contentTag";
import type { Registry } from "./registry";

export interface ImageArgs {
    /** The folder with the Dockerfile. */
    context: string;
    /** The registry that the image is pushed to and pulled from. */
    registry: Registry;
    baseImage: string;
    platform: string;
    /** They stay readable in the image's history. */
    buildArgs?: Record<string, string>;
    /** The prefix of the image's tags. It distinguishes the image from others in the same repository. */
    tagPrefix?: string;
    /** `tag@sha256:…` of an image that was pushed before. If it is set, this image runs and nothing is built. */
    pinned?: string;
}

/** The stack's own image. It is built from `context` and pushed whenever its content changes. */
export class Image extends pulumi.ComponentResource {
    /**
     * `host/repository:tag@sha256:…`, as nodes pull it. The tag shows in a preview which image will roll out. The digest selects the image.
     */
    readonly reference: pulumi.Output<string>;

    constructor(name: string, args: ImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:image:Image", name, {}, opts);

        const { pull, repository } = args.registry;
        this.reference = pulumi.interpolate`${pull}/${repository}:${args.pinned ?? pushed(name, args, { parent: this })}`;
        this.registerOutputs({ reference: this.reference });
    }
}

/** Builds and pushes the image. Returns `tag@sha256:…`. */
function pushed(name: string, { registry, ...args }: ImageArgs, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const { push, repository, account } = registry;
    const build = buildOf(args);
    const tag = `${args.tagPrefix ?? ""}${contentTag(build)}`;
    const image = new DockerImage(
        `${name}-image`,
        {
            imageName: pulumi.interpolate`${push}/${repository}:${tag}`,
            build,
            // Without an account, the provider uses the docker client's login for that host, if there is one.
            registry: { server: push, ...(account && { username: account.username, password: pulumi.secret(account.password) }) },
        },
        opts,
    );
    // In a preview repoDigest keeps its old value. The tag is known before the build.
    return image.repoDigest.apply((repoDigest) => `${tag}@${repoDigest.split("@").at(-1)}`);
}
