import Docker from "dockerode";
import type { Log } from "../provider/serve";
import { type Credentials, openSession } from "./buildkit";
import { type BuildContext, tarOf } from "./context";
import { parseImageName, registryHost } from "./imageName";
import { type Message, Output } from "./output";

/** How to build, in the words of `docker.Image`. */
export interface BuildOptions {
    args?: Record<string, string>;
    target?: string;
    platform?: string;
    cacheFrom?: { images?: string[] };
    builderVersion?: "BuilderV1" | "BuilderBuildKit";
    network?: string;
    addHosts?: string[];
}

/** The registry to push to, and to pull base images from. */
export interface Registry {
    /** With its port, as in image names. */
    host: string;
    /** None: as anybody. */
    credentials?: Credentials;
}

/** What makes images. */
export interface Builder {
    /** Builds and tags the image; gives its ID. */
    build(imageName: string, context: BuildContext, options: BuildOptions, registry: Registry, log: Log): Promise<string>;
    /** Pushes the tag; gives the manifest's digest in the registry. */
    push(imageName: string, registry: Registry, log: Log): Promise<string>;
}

/** The Docker Engine at `DOCKER_HOST`, or at the default socket. */
export class Engine implements Builder {
    private client?: Docker;

    /** `aborted` ends whatever is under way; the daemon then ends its part. */
    constructor(private readonly aborted: AbortSignal) {}

    /** Made by whoever builds: most previews don't. */
    private get docker(): Docker {
        this.client ??= new Docker();
        return this.client;
    }

    /** Fails, saying why, unless the daemon answers. */
    async ping(): Promise<void> {
        await this.docker.ping().catch(failUnreachable);
    }

    async build(imageName: string, context: BuildContext, options: BuildOptions, registry: Registry, log: Log): Promise<string> {
        const usesBuildKit = options.builderVersion !== "BuilderV1";
        const session = usesBuildKit
            ? await openSession(this.docker, (host) => credentialsFor(registry, host)).catch(failUnreachable)
            : undefined;
        try {
            const output = await this.post("/build?", log, {
                file: tarOf(context),
                registryconfig: { [serverAddress(registry)]: registry.credentials ?? {} },
                options: {
                    t: imageName,
                    dockerfile: context.dockerfile,
                    buildargs: JSON.stringify(options.args ?? {}),
                    cachefrom: JSON.stringify(options.cacheFrom?.images ?? []),
                    ...(options.target && { target: options.target }),
                    ...(options.platform && { platform: options.platform }),
                    ...(options.network && { networkmode: options.network }),
                    ...(options.addHosts && { extrahosts: options.addHosts }),
                    ...(session ? { version: "2", session: session.id } : { version: "1", rm: true, forcerm: true }),
                },
            });
            if (output.reason !== undefined) {
                const reason = isAboutPull(output.reason, registry) ? refusal(output.reason, registry) : undefined;
                throw new Error(reason ?? `The build of ${imageName} failed${output.failure}`);
            }
            return output.imageId ?? (await this.docker.getImage(imageName).inspect()).Id;
        } finally {
            session?.close();
        }
    }

    async push(imageName: string, registry: Registry, log: Log): Promise<string> {
        const { repository, tag } = parseImageName(imageName);
        const output = await this.post(`/images/${repository}/push?`, log, {
            authconfig: { ...registry.credentials, serveraddress: serverAddress(registry) },
            options: { tag },
        });
        if (output.pushedDigest === undefined) {
            const reason = output.reason ?? "the daemon named no digest";
            throw new Error(refusal(reason, registry) ?? `The push of ${imageName} failed: ${reason}`);
        }
        return output.pushedDigest;
    }

    /** Follows the request to its end. dockerode's own methods would open a session of their own. */
    private async post(path: string, log: Log, request: object): Promise<Output> {
        const output = new Output();
        const options = { method: "POST", path, isStream: true, abortSignal: this.aborted, statusCodes: { 200: true }, ...request };
        try {
            const answer = await new Promise<AsyncIterable<Buffer>>((done, fail) =>
                this.docker.modem.dial(options, (error, stream) => (error ? fail(error) : done(stream as AsyncIterable<Buffer>))),
            );
            for await (const message of messages(answer)) {
                output.read(message).forEach(log);
            }
        } catch (error) {
            this.aborted.throwIfAborted();
            const { statusCode, message } = error as Error & { statusCode?: number };
            if (statusCode === undefined) {
                failUnreachable(error as Error);
            }
            output.read({ error: message.replace(/^\(HTTP code \d+\) .*? - /, "").trim() });
        }
        return output;
    }
}

/** The stream's messages, one a line. */
async function* messages(stream: AsyncIterable<Buffer>): AsyncGenerator<Message> {
    let rest = Buffer.alloc(0);
    for await (const chunk of stream) {
        rest = Buffer.concat([rest, chunk]);
        for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
            yield JSON.parse(rest.toString("utf8", 0, end));
            rest = rest.subarray(end + 1);
        }
    }
}

function failUnreachable(error: NodeJS.ErrnoException): never {
    if (error.code !== "ECONNRESET" && !["connect", "read", "write"].includes(error.syscall ?? "")) {
        throw error;
    }
    const place = process.env.DOCKER_HOST ?? "the default socket";
    throw new Error(`The Docker daemon at ${place} (DOCKER_HOST) doesn't answer: ${error.message}`);
}

function credentialsFor(registry: Registry, host: string): Credentials | undefined {
    return registryHost(host) === registry.host ? registry.credentials : undefined;
}

/** The name that the daemon knows the registry's credentials by. */
function serverAddress({ host }: Registry): string {
    return host === "docker.io" ? "https://index.docker.io/v1/" : host;
}

/** Whether a build failed with a base image of the registry, and not with a command or another registry. */
function isAboutPull(reason: string, { host }: Registry): boolean {
    const isOfCommand = /executor failed running|did not complete successfully|returned a non-zero code/.test(reason);
    return !isOfCommand && (reason.includes(host) || reason.startsWith("unauthorized"));
}

/** What to say if `reason` is that the registry doesn't let us in. */
export function refusal(reason: string, { host, credentials }: Registry): string | undefined {
    if (
        !/unauthorized|authentication required|no basic auth credentials|access denied|access to the resource is denied|authorization failed|\b40[13]\b/i.test(
            reason,
        )
    ) {
        return undefined;
    }
    return credentials === undefined
        ? `The registry ${host} wants credentials and none are given (registry.username, registry.password): ${reason}`
        : `The registry ${host} refused the credentials of the user "${credentials.username}" (registry.username, registry.password): ${reason}`;
}
