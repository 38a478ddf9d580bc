import { fstatSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { type IResourceProviderServer, ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { Change } from "./changes";
import type { Properties } from "./values";

/** Prints a line for the user. */
export type Log = (line: string) => void;

/** The resource of a call. */
export interface Subject {
    readonly urn: string;
    /** For example `docker:index/image:Image`. */
    readonly type: string;
    /** The resource's name in the program. */
    readonly name: string;
    /** Reports the resource's progress. */
    readonly log: Log;
}

export interface Failure {
    property: string;
    reason: string;
}

/** The inputs with defaults, and the faults that were found in them. Secrets remain secret. */
export interface Checked {
    inputs: Properties;
    failures: Failure[];
}

/** A resource in the engine's state. */
export interface Remembered {
    id: string;
    inputs: Properties;
    outputs: Properties;
}

/** A provider's methods. `serve` implements the protocol. */
export interface Provider {
    readonly version: string;
    checkConfig(settings: Properties): Checked;
    /** Called before the first resource, also in a preview. */
    configure(settings: Properties): Promise<void>;
    invoke(token: string, args: Properties, isPreview: boolean): Promise<Properties>;
    check(subject: Subject, news: Properties, olds: Properties): Checked | Promise<Checked>;
    /** `ignored` are the inputs of the program's `ignoreChanges`. */
    diff(subject: Subject, old: Remembered, news: Properties, ignored: readonly string[]): Change[];
    create(subject: Subject, news: Properties, isPreview: boolean): Promise<{ id?: string; outputs: Properties }>;
    /** Returns the outputs. */
    update(subject: Subject, old: Remembered, news: Properties, isPreview: boolean, ignored: readonly string[]): Promise<Properties>;
    /** Undefined if the resource no longer exists. */
    read(subject: Subject, old: Remembered): Promise<Remembered | undefined>;
    delete(subject: Subject, old: Remembered): Promise<void>;
    /** Ends all running operations. */
    cancel(): void;
}

/** The resource was created and has an id, but was not finished. The engine saves it in the state, and the next `up` continues. */
export class HalfMade extends Error {
    constructor(
        message: string,
        readonly made: Remembered,
    ) {
        super(message);
    }
}

const { ADD, DELETE, UPDATE, ADD_REPLACE, DELETE_REPLACE, UPDATE_REPLACE } = proto.PropertyDiff.Kind;
const kinds = {
    add: { inPlace: ADD, anew: ADD_REPLACE },
    delete: { inPlace: DELETE, anew: DELETE_REPLACE },
    update: { inPlace: UPDATE, anew: UPDATE_REPLACE },
};

let host: EngineClient | undefined;

/**
 * Serves a provider by Pulumi's protocol until the engine ends. The SDK's own provider server does not tell the provider whether a
 * call belongs to a preview, and has no log.
 */
export function serve(provider: Provider): void {
    const address = process.argv.slice(2).find((argument) => /^[^-].*:\d+$/.test(argument));
    if (address !== undefined) {
        connect(address);
    }
    exitWithTheEngine();
    const server = new grpc.Server();
    server.addService(ResourceProviderService, methodsOf(provider) as grpc.UntypedServiceImplementation);
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) {
            throw error;
        }
        // The engine reads the port from the first line of standard output.
        console.log(String(port));
    });
}

function methodsOf(provider: Provider): Partial<IResourceProviderServer> {
    return {
        getPluginInfo: answer(() => new PluginInfo().setVersion(provider.version)),
        attach: answer((request) => {
            connect(request.getAddress());
            return new Empty();
        }),
        checkConfig: answer((request) => checked(provider.checkConfig(read(request.getNews())))),
        diffConfig: answer(() => new proto.DiffResponse().setChanges(proto.DiffResponse.DiffChanges.DIFF_NONE)),
        configure: answer(async (request) => {
            await provider.configure(read(request.getArgs()));
            return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
        }),
        invoke: answer(async (request) => {
            const result = await provider.invoke(request.getTok(), read(request.getArgs()), request.getPreview());
            return new proto.InvokeResponse().setReturn(written(result));
        }),
        check: about(async (subject, request) => checked(await provider.check(subject, read(request.getNews()), read(request.getOlds())))),
        diff: about((subject, request) => {
            const old = { id: request.getId(), inputs: read(request.getOldInputs()), outputs: read(request.getOlds()) };
            return difference(provider.diff(subject, old, read(request.getNews()), request.getIgnorechangesList()));
        }),
        create: about(async (subject, request) => {
            const { id = "", outputs } = await provider.create(subject, read(request.getProperties()), request.getPreview());
            return new proto.CreateResponse().setId(id).setProperties(written(outputs));
        }),
        update: about(async (subject, request) => {
            const old = { id: request.getId(), inputs: read(request.getOldInputs()), outputs: read(request.getOlds()) };
            const [isPreview, ignored] = [request.getPreview(), request.getIgnorechangesList()];
            const outputs = await provider.update(subject, old, read(request.getNews()), isPreview, ignored);
            return new proto.UpdateResponse().setProperties(written(outputs));
        }),
        read: about(async (subject, request) => {
            const old = { id: request.getId(), inputs: read(request.getInputs()), outputs: read(request.getProperties()) };
            const found = await provider.read(subject, old);
            const response = new proto.ReadResponse();
            return found === undefined
                ? response
                : response.setId(found.id).setProperties(written(found.outputs)).setInputs(written(found.inputs));
        }),
        delete: about(async (subject, request) => {
            const old = { id: request.getId(), inputs: read(request.getOldInputs()), outputs: read(request.getProperties()) };
            await provider.delete(subject, old);
            return new Empty();
        }),
        cancel: answer(() => {
            provider.cancel();
            return new Empty();
        }),
    };
}

/** A method of the protocol. The user reads the message of an error that it throws. */
function answer<Request, Response>(method: (request: Request) => Response | Promise<Response>): grpc.handleUnaryCall<Request, Response> {
    return async (call, callback) => {
        try {
            callback(null, await method(call.request));
        } catch (error) {
            callback(statusOf(error as Error));
        }
    };
}

/** Like `answer`, for a method about one resource. All its log lines are sent before it ends. */
function about<Request extends { getUrn(): string }, Response>(
    method: (subject: Subject, request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
    return answer(async (request) => {
        const urn = request.getUrn();
        const [, , types = "", name = ""] = urn.split("::");
        let logged = Promise.resolve();
        const log = (line: string) => {
            logged = logged.then(() => say(urn, line));
        };
        try {
            return await method({ urn, type: types.split("$").at(-1) ?? "", name, log }, request);
        } finally {
            await logged;
        }
    });
}

function statusOf(error: Error): Partial<grpc.ServiceError> {
    if (!(error instanceof HalfMade)) {
        return { code: grpc.status.UNKNOWN, details: error.message };
    }
    const { id, inputs, outputs } = error.made;
    const detail = new proto.ErrorResourceInitFailed()
        .setId(id)
        .setProperties(written(outputs))
        .setInputs(written(inputs))
        .setReasonsList([error.message]);
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(error.message);
    status.addDetails(any);
    // gRPC sends structured errors in this header. Its Node.js library has no other way to set them.
    const metadata = new grpc.Metadata();
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
    return { code: grpc.status.UNKNOWN, details: error.message, metadata };
}

function read(struct: Struct | undefined): Properties {
    return (struct?.toJavaScript() ?? {}) as Properties;
}

function written(properties: Properties): Struct {
    return Struct.fromJavaScript(properties);
}

function checked({ inputs, failures }: Checked): proto.CheckResponse {
    const list = failures.map(({ property, reason }) => new proto.CheckFailure().setProperty(property).setReason(reason));
    return new proto.CheckResponse().setInputs(written(inputs)).setFailuresList(list);
}

function difference(changes: Change[]): proto.DiffResponse {
    const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
    const response = new proto.DiffResponse().setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE).setHasdetaileddiff(true);
    response.setDeletebeforereplace(changes.some(({ deletesFirst }) => deletesFirst));
    for (const { property, kind, replaces } of changes) {
        const shown = new proto.PropertyDiff().setKind(kinds[kind][replaces ? "anew" : "inPlace"]).setInputdiff(true);
        response.getDetaileddiffMap().set(property, shown);
        if (replaces) {
            response.addReplaces(property);
        }
    }
    return response;
}

/** Sends a line of the resource's progress. Errors are ignored. */
function say(urn: string, line: string): Promise<void> {
    const request = new LogRequest().setSeverity(LogSeverity.INFO).setUrn(urn).setMessage(line).setEphemeral(true);
    return new Promise((done) => (host === undefined ? done() : host.log(request, () => done())));
}

function connect(address: string): void {
    // Connections between processes on this machine must not use a proxy from the environment.
    host = new EngineClient(address, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
}

/** Exits when standard input closes. The engine keeps it open while it runs; a killed engine sends no message. */
function exitWithTheEngine(): void {
    const input = fstatSync(0);
    if (input.isFIFO() || input.isSocket()) {
        process.stdin.on("close", () => process.exit()).resume();
    }
}
