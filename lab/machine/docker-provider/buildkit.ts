import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import * as grpc from "@grpc/grpc-js";
import type Docker from "dockerode";
import { parse, type Type } from "protobufjs";

/** The parts of BuildKit's protocol that are used here. */
const { root } = parse(
    `
    syntax = "proto3";
    message StatusResponse { repeated Vertex vertexes = 1; repeated VertexLog logs = 3; }
    message Vertex { string digest = 1; string name = 3; bool cached = 4; bytes started = 5; bytes completed = 6; string error = 7; }
    message VertexLog { string vertex = 1; bytes msg = 4; }
    message CredentialsRequest { string Host = 1; }
    message CredentialsResponse { string Username = 1; string Secret = 2; }
    message HealthCheckRequest {}
    message HealthCheckResponse { int32 status = 1; }
`,
    { keepCase: true },
);

/** A step of the build, for example `[2/3] RUN make`. */
interface Vertex {
    digest: string;
    name: string;
    cached: boolean;
    started: Uint8Array;
    error: string;
}

export interface BuildStatus {
    vertexes: Vertex[];
    logs: { vertex: string; msg: Uint8Array }[];
}

/** The message type of `moby.buildkit.trace`. */
export const statusResponse = root.lookupType("StatusResponse");

/** Reads a `moby.buildkit.trace` message. */
export function buildStatus(trace: string): BuildStatus {
    return statusResponse.decode(Buffer.from(trace, "base64")) as unknown as BuildStatus;
}

export interface Credentials {
    username: string;
    password: string;
}

/**
 * Gives BuildKit the credentials for pulls while a build runs. dockerode's own session has two faults: it gives one registry's password
 * to every registry, and BuildKit drops it after the first second, because it does not answer health checks.
 */
export async function openSession(
    docker: Docker,
    credentialsFor: (host: string) => Credentials | undefined,
): Promise<{ id: string; close(): void }> {
    const id = randomUUID();
    const connection = await dial(docker, {
        "X-Docker-Expose-Session-Uuid": id,
        "X-Docker-Expose-Session-Name": "docker-provider",
        "X-Docker-Expose-Session-Grpc-Method": "/moby.filesync.v1.Auth/Credentials",
    });
    const server = new grpc.Server();
    server.addService(
        {
            Credentials: method("/moby.filesync.v1.Auth/Credentials", "Credentials"),
            Check: method("/grpc.health.v1.Health/Check", "HealthCheck"),
        },
        {
            Credentials: ({ request }: { request: { Host: string } }, answer: grpc.sendUnaryData<object>) => {
                const credentials = credentialsFor(request.Host);
                answer(null, { Username: credentials?.username, Secret: credentials?.password });
            },
            Check: (_: unknown, answer: grpc.sendUnaryData<object>) => answer(null, { status: 1 }),
        },
    );
    server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(connection);
    return {
        id,
        close() {
            server.forceShutdown();
            connection.destroy();
        },
    };
}

/** Opens a connection on which the daemon is the client and this process is the server. */
function dial(docker: Docker, headers: Record<string, string>): Promise<Duplex> {
    const options = { method: "POST", path: "/session", hijack: true, headers: { Upgrade: "h2c", ...headers }, statusCodes: { 200: true } };
    return new Promise((done, fail) => docker.modem.dial(options, (error, socket) => (error ? fail(error) : done(socket as Duplex))));
}

function method(path: string, name: string): grpc.MethodDefinition<object, object> {
    const write = (type: Type) => (message: object) => Buffer.from(type.encode(message).finish());
    const read = (type: Type) => (bytes: Buffer) => type.decode(bytes);
    const [request, response] = [root.lookupType(`${name}Request`), root.lookupType(`${name}Response`)];
    return {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: write(request),
        requestDeserialize: read(request),
        responseSerialize: write(response),
        responseDeserialize: read(response),
    };
}
