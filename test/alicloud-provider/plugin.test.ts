import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { version } from "@pulumi/alicloud/package.json";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { Properties } from "../../lab/machine/provider/values";

const root = join(__dirname, "../..");
const type = "alicloud:vpc/network:Network";
const urn = `urn:pulumi:dev::shop::my:Component$${type}::vpc`;

describe("The alicloud plugin", () => {
    const folder = mkdtempSync(join(tmpdir(), "cloud-plugin-"));
    let plugin: ChildProcess;
    let client: ResourceProviderClient;

    /** Calls the method as the engine does. */
    function call<Request, Response>(
        method: (
            request: Request,
            metadata: grpc.Metadata,
            options: Partial<grpc.CallOptions>,
            callback: (error: grpc.ServiceError | null, response: Response) => void,
        ) => unknown,
        request: Request,
    ): Promise<Response> {
        return new Promise((done, fail) =>
            method.call(client, request, new grpc.Metadata(), {}, (error, response) => (error ? fail(error) : done(response))),
        );
    }
    const struct = (properties: Properties) => Struct.fromJavaScript(properties);

    before(async function () {
        this.timeout(20_000);
        plugin = spawn(process.execPath, ["-r", "./register.cjs", join(root, "lab/rehearsal/alicloud-provider/main.ts")], {
            cwd: root,
            env: { ...process.env, SMS_CLOUD_FOLDER: folder, ALICLOUD_ACCESS_KEY: "key" },
            stdio: ["pipe", "pipe", "inherit"],
        });
        const [port] = await once(createInterface({ input: plugin.stdout as NodeJS.ReadableStream }), "line");
        client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
    });

    after(() => {
        client.close();
        plugin.kill();
        rmSync(folder, { recursive: true });
    });

    it("has the version that the program asks for", async () => {
        assert.equal((await call(client.getPluginInfo, new Empty())).getVersion(), version);
    });

    it("requires a region", async () => {
        await assert.rejects(call(client.configure, new proto.ConfigureRequest()), { details: /^no region/ });
        const response = await call(client.configure, new proto.ConfigureRequest().setArgs(struct({ region: "cn-hangzhou" })));
        assert.deepEqual([response.getAcceptsecrets(), response.getSupportspreview()], [true, true]);
    });

    it("creates, shows, changes and deletes", async () => {
        const given = { vpcName: "shop", cidrBlock: "10.9.0.0/16" };
        const checked = await call(client.check, new proto.CheckRequest().setUrn(urn).setNews(struct(given)));
        assert.deepEqual(checked.getFailuresList(), []);
        const inputs = checked.getInputs();
        const create = new proto.CreateRequest().setUrn(urn).setProperties(inputs);
        const preview = await call(client.create, create.clone().setPreview(true));
        assert.equal(preview.getId(), "");
        assert.deepEqual(readdirSync(folder), []);
        const made = await call(client.create, create);
        assert.match(made.getId(), /^vpc-bp1/);
        const diff = new proto.DiffRequest().setId(made.getId()).setUrn(urn).setOldInputs(inputs).setOlds(made.getProperties());
        const renamed = struct({ ...given, vpcName: "other" });
        assert.deepEqual([...(await call(client.diff, diff.clone().setNews(renamed))).getDetaileddiffMap().keys()], ["vpcName"]);
        const update = new proto.UpdateRequest().setId(made.getId()).setUrn(urn).setOlds(made.getProperties()).setNews(renamed);
        await call(client.update, update);
        const read = new proto.ReadRequest().setId(made.getId()).setUrn(urn).setProperties(made.getProperties()).setInputs(inputs);
        assert.equal((await call(client.read, read)).getInputs()?.toJavaScript().vpcName, "other");
        await call(client.delete, new proto.DeleteRequest().setId(made.getId()).setUrn(urn));
        assert.equal((await call(client.read, read)).getId(), "");
    });

    it("tells the engine which resource exists although a call failed", async () => {
        writeFileSync(join(folder, "trouble.json"), JSON.stringify({ [type]: { halfWay: "no luck" } }));
        const create = new proto.CreateRequest().setUrn(urn).setProperties(struct({ cidrBlock: "10.9.0.0/16" }));
        const error = await call(client.create, create).then(
            () => assert.fail("it was made"),
            (error: grpc.ServiceError) => error,
        );
        assert.match(error.details, /alicloud_vpc vpc-bp1\w+ is there and is Normal: .*Message: no luck$/);
        const [details] = error.metadata.get("grpc-status-details-bin");
        const [any] = Status.deserializeBinary(new Uint8Array(details as Buffer)).getDetailsList();
        assert.equal(any?.getTypeName(), "pulumirpc.ErrorResourceInitFailed");
        const detail = proto.ErrorResourceInitFailed.deserializeBinary(any?.getValue_asU8() as Uint8Array);
        assert.match(detail.getId(), /^vpc-bp1/);
        assert.deepEqual(detail.getReasonsList(), [error.details]);
    });

    it("ends after the engine has died", async () => {
        plugin.stdin?.destroy();
        assert.deepEqual(await once(plugin, "exit"), [0, null]);
    });
});
