import { fstatSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { version } from "@pulumi/docker/package.json";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { type IResourceProviderServer, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Engine } from "./build";
import { buildsOnPreview, check, diff, type Failure, imageType, make, previewUpdate } from "./image";
import { type Properties, plain } from "./values";

/**
 * Stands in for the official docker plugin where that can't be installed, for `docker.Image` alone. It speaks
 * Pulumi's protocol itself: the SDK's provider server doesn't tell a preview from an update and has no log.
 */
const stopping = new AbortController();
const engine = new Engine(stopping.signal);
let host: EngineClient | undefined;

const { ADD, DELETE, UPDATE } = proto.PropertyDiff.Kind;
const kinds = { add: ADD, delete: DELETE, update: UPDATE };

const provider: Partial<IResourceProviderServer> = {
    getPluginInfo: answer(() => new PluginInfo().setVersion(version)),
    attach: answer((request) => {
        connect(request.getAddress());
        return new Empty();
    }),
    checkConfig: answer((request) => {
        const settings = Object.keys(read(request.getNews())).filter(
            (name) => !["version", "pluginDownloadURL"].includes(name) && !name.startsWith("__"),
        );
        return checked(
            read(request.getNews()),
            settings.map((property) => ({
                property,
                reason: "This stand-in for the docker plugin has no settings: DOCKER_HOST says where the daemon is",
            })),
        );
    }),
    diffConfig: answer(() => new proto.DiffResponse().setChanges(proto.DiffResponse.DiffChanges.DIFF_NONE)),
    configure: answer(async () => {
        await engine.ping();
        return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    invoke: answer((request) => {
        throw onlyImages(`the function ${request.getTok()}`);
    }),
    check: answer(async (request) => {
        ensureImage(request.getUrn());
        const { inputs, failures } = await check(read(request.getNews()));
        return checked(inputs, failures);
    }),
    diff: answer((request) => {
        ensureImage(request.getUrn());
        const changes = diff(read(request.getOldInputs()), read(request.getNews()));
        const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
        const response = new proto.DiffResponse().setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE).setHasdetaileddiff(true);
        for (const { property, kind } of changes) {
            response.getDetaileddiffMap().set(property, new proto.PropertyDiff().setKind(kinds[kind]).setInputdiff(true));
        }
        return response;
    }),
    create: answer(async (request) => {
        ensureImage(request.getUrn());
        const news = read(request.getProperties());
        if (request.getPreview() && !buildsOnPreview(news)) {
            return new proto.CreateResponse().setProperties(written(news));
        }
        const outputs = await makeAndLog(request.getUrn(), news, request.getPreview());
        return new proto.CreateResponse().setId(String(plain(news.imageName ?? ""))).setProperties(written(outputs));
    }),
    update: answer(async (request) => {
        ensureImage(request.getUrn());
        const news = read(request.getNews());
        if (request.getPreview() && !buildsOnPreview(news)) {
            return new proto.UpdateResponse().setProperties(written(previewUpdate(read(request.getOlds()), news)));
        }
        return new proto.UpdateResponse().setProperties(written(await makeAndLog(request.getUrn(), news, request.getPreview())));
    }),
    read: answer((request) => {
        ensureImage(request.getUrn());
        return new proto.ReadResponse().setId(request.getId()).setProperties(request.getProperties()).setInputs(request.getInputs());
    }),
    // The official one deletes neither tags nor images.
    delete: answer((request) => {
        ensureImage(request.getUrn());
        return new Empty();
    }),
    cancel: answer(() => {
        stopping.abort(new Error("Canceled"));
        return new Empty();
    }),
};

/** A method of the protocol. What it throws is the error that the user reads. */
function answer<Request, Response>(method: (request: Request) => Response | Promise<Response>): grpc.handleUnaryCall<Request, Response> {
    return async (call, callback) => {
        try {
            callback(null, await method(call.request));
        } catch (error) {
            callback({ code: grpc.status.UNKNOWN, details: (error as Error).message });
        }
    };
}

function read(struct: Struct | undefined): Properties {
    return (struct?.toJavaScript() ?? {}) as Properties;
}

function written(properties: Properties): Struct {
    return Struct.fromJavaScript(properties);
}

function checked(inputs: Properties, failures: Failure[]): proto.CheckResponse {
    const list = failures.map(({ property, reason }) => new proto.CheckFailure().setProperty(property).setReason(reason));
    return new proto.CheckResponse().setInputs(written(inputs)).setFailuresList(list);
}

function ensureImage(urn: string): void {
    const type = urn.split("::")[2]?.split("$").at(-1);
    if (type !== imageType) {
        throw onlyImages(type ?? urn);
    }
}

function onlyImages(asked: string): Error {
    return new Error(
        `This stands in for the docker plugin, which can't be installed here, and only does docker.Image (${imageType}), not ${asked}`,
    );
}

async function makeAndLog(urn: string, news: Properties, isPreview: boolean): Promise<Properties> {
    let logged = Promise.resolve();
    const log = (line: string) => {
        logged = logged.then(() => say(urn, line));
    };
    try {
        return await make(news, engine, log, isPreview);
    } finally {
        await logged;
    }
}

/** A line of the resource's progress. That it can't be said is no reason to fail. */
function say(urn: string, line: string): Promise<void> {
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setUrn(urn).setMessage(line).setEphemeral(true);
    return new Promise((done) => (host === undefined ? done() : host.log(request, () => done())));
}

function connect(address: string): void {
    // A proxy of the environment's is not for this machine's own processes.
    host = new EngineClient(address, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
}

/** The engine holds our input open as long as it lives. Killed, it doesn't say goodbye. */
function exitWithTheEngine(): void {
    const input = fstatSync(0);
    if (input.isFIFO() || input.isSocket()) {
        process.stdin.on("close", () => process.exit()).resume();
    }
}

function main(): void {
    const address = process.argv.slice(2).find((argument) => /^[^-].*:\d+$/.test(argument));
    if (address !== undefined) {
        connect(address);
    }
    exitWithTheEngine();
    const server = new grpc.Server();
    server.addService(ResourceProviderService, provider as grpc.UntypedServiceImplementation);
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) {
            throw error;
        }
        // The engine reads the port from our output's first line.
        console.log(String(port));
    });
}

main();
