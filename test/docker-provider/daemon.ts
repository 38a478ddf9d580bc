import { createServer, type IncomingMessage } from "node:http";
import { connect as http2Connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";

export interface Request {
    path: string;
    query: Record<string, string>;
    headers: IncomingMessage["headers"];
}

/** A stand-in of a Docker daemon. It gives the configured answers to builds and pushes, and records the requests. */
export class Daemon {
    readonly address = `unix://${join(tmpdir(), `docker-provider-${process.pid}.sock`)}`;
    readonly requests: Request[] = [];
    /** The messages of the answer, or the status of a refusal. */
    answers: { build: object[] | number; push: object[] | number } = { build: [], push: [] };
    /** Runs during a build that has a session. */
    whileBuilding: (session: Session) => Promise<void> = async () => {};

    private session?: Session;
    private readonly server = createServer(async (request, response) => {
        const url = new URL(request.url ?? "", "http://daemon");
        this.requests.push({ path: url.pathname, query: Object.fromEntries(url.searchParams), headers: request.headers });
        await buffer(request);
        if (url.pathname === "/build" && url.searchParams.has("session")) {
            await this.whileBuilding(this.session as Session);
        }
        const answer = url.pathname === "/build" ? this.answers.build : url.pathname.endsWith("/push") ? this.answers.push : [];
        if (typeof answer === "number") {
            response.writeHead(answer).end('{"message":"no such thing"}');
        } else {
            response.end(answer.map((message) => `${JSON.stringify(message)}\r\n`).join(""));
        }
    }).on("upgrade", (_, socket) => {
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
        this.session = new Session(socket);
    });

    async start(): Promise<void> {
        await new Promise<void>((done) => this.server.listen(this.address.slice("unix://".length), done));
    }

    async stop(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((done) => this.server.close(done));
    }
}

/** The daemon's end of a session. The daemon sends requests, and the builder answers. */
export class Session {
    private readonly connection;

    constructor(socket: Duplex) {
        this.connection = http2Connect("http://session", { createConnection: () => socket });
        this.connection.on("error", () => {}); // The session ends with the build.
    }

    /** Calls a gRPC method. Returns the encoded answer, which contains its texts unchanged. */
    async call(path: string, message: Buffer): Promise<Buffer> {
        const stream = this.connection.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
        const length = Buffer.alloc(5);
        length.writeUInt32BE(message.length, 1);
        stream.end(Buffer.concat([length, message]));
        return (await buffer(stream)).subarray(5);
    }

    credentials(host: string): Promise<Buffer> {
        return this.call("/moby.filesync.v1.Auth/Credentials", Buffer.concat([Buffer.from([0x0a, host.length]), Buffer.from(host)]));
    }
}
