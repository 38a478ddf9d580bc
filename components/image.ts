import { Image as DockerImage } from "@pulumi/docker/image";
import * as pulumi from "@pulumi/pulumi";
import { contentTag } from "./contentTag";

export interface ImageArgs {
    /** The folder with the Dockerfile. */
    context: string;
    /** Where it is pushed to and pulled from. */
    registry: { server: string; repository: string; username: string; password: pulumi.Input<string> };
    baseImage: string;
    platform: string;
    /** Stay readable in the image's history. */
    buildArgs: Record<string, string>;
}

/** The product's image: built from `context` and pushed whenever its content changes. */
export class Image extends pulumi.ComponentResource {
    /** `server/repository:tag@sha256:…`: the tag lets a preview show what will roll, the digest decides what runs. */
    readonly reference: pulumi.Output<string>;

    constructor(name: string, args: ImageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:image:Image", name, {}, opts);

        const { server, repository, username, password } = args.registry;
        const build = { context: args.context, platform: args.platform, args: { ...args.buildArgs, BASE_IMAGE: args.baseImage } };
        const imageName = `${server}/${repository}:${contentTag(build)}`;
        const image = new DockerImage(
            `${name}-image`,
            { imageName, build, registry: { server, username, password: pulumi.secret(password) } },
            { parent: this },
        );

        // repoDigest keeps its old value in a preview; imageName is known beforehand.
        this.reference = image.repoDigest.apply((repoDigest) => `${imageName}@${repoDigest.split("@").at(-1)}`);
        this.registerOutputs({ reference: this.reference });
    }
}
