import Docker from "dockerode";
import type { Log } from "../provider/serve";
import { type Credentials, openSession } from "./buildkit";
import { type BuildContext, tarOf } from "./context";
import { parseImageName, registryHost } from "./imageName";
import { type Message, Output } from "./output";

/** Options of a build, with the names that `docker.Image` uses. */
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
    /** Undefined for anonymous access. */
    credentials?: Credentials;
}

/** Builds and pushes images. */
export interface Builder {
    /** Builds and tags the image. Returns its ID. */
    build(imageName: string, context: BuildContext, options: BuildOptions, registry: Registry, log: Log): Promise<string>;
    /** Pushes the tag. Returns the manifest's digest in the registry. */
    push(imageName: string, registry: Registry, log: Log): Promise<string>;
}

/** The Docker Engine at `DOCKER_HOST`, or at the default socket. */
export class Engine implements Builder {
    private client?: Docker;

    /** `aborted` ends all running requests. The daemon then ends its builds and pushes too. */
    constructor(private readonly aborted: AbortSignal) {}

    /** Created at the first use: most previews build nothing. */
    private get docker(): Docker {
        this.client ??= new Docker();
        return this.client;
    }

    /** Throws an error with the reason if the daemon does not answer. */
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

    /** Sends the request and reads its output to the end. dockerode's own methods would open a second session. */
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

/** The stream's messages. Each line is one message. */
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

/** The key of the registry's credentials in the daemon. */
function serverAddress({ host }: Registry): string {
    return host === "docker.io" ? "https://index.docker.io/v1/" : host;
}

/** Whether a build failed because of a base image in the registry, not because of a command or another registry. */
function isAboutPull(reason: string, { host }: Registry): boolean {
    const isOfCommand = /executor failed running|did not complete successfully|returned a non-zero code/.test(reason);
    return !isOfCommand && (reason.includes(host) || reason.startsWith("unauthorized"));
}

/** The error message if `reason` says that the registry refused access. Else undefined. */
function refusal(reason: string, { host, credentials }: Registry): string | undefined {
    if (
        !/unauthorized|authentication required|no basic auth credentials|access denied|access to the resource is denied|authorization failed|\b40[13]\b/i.test(
            reason,
        )
    ) {
        return undefined;
    }
    return credentials === undefined
        ? `The registry ${host} requires credentials and none are given (registry.username, registry.password): ${reason}`
        : `The registry ${host} refused the credentials of the user "${credentials.username}" (registry.username, registry.password): ${reason}`;
}
