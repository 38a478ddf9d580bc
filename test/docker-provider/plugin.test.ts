import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { version } from "@pulumi/docker/package.json";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { Properties } from "../../lab/machine/provider/values";
import { Daemon } from "./daemon";
import { folderWith, removeFolders } from "./files";

const root = join(__dirname, "../..");
const urnOf = (type: string) => `urn:pulumi:dev::shop::my:Component$${type}::app`;
const imageUrn = urnOf("docker:index/image:Image");
const onlyImages =
    "This stands in for the docker plugin, which can't be installed here, and only does docker.Image (docker:index/image:Image), not ";

describe("The plugin", () => {
    let daemon: Daemon;
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
    const rejects = (answer: Promise<unknown>, details: string) => assert.rejects(answer, { details });
    const struct = (properties: Properties) => Struct.fromJavaScript(properties);
    const properties = (struct: Struct | undefined) => (struct?.toJavaScript() ?? {}) as Properties;

    before(async function () {
        this.timeout(10_000);
        daemon = new Daemon();
        await daemon.start();
        plugin = spawn(process.execPath, ["-r", "./register.cjs", join(root, "lab/machine/docker-provider/main.ts")], {
            cwd: root,
            env: { ...process.env, DOCKER_HOST: daemon.address },
            stdio: ["pipe", "pipe", "inherit"],
        });
        const [port] = await once(createInterface({ input: plugin.stdout as NodeJS.ReadableStream }), "line");
        client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
    });

    after(async () => {
        client.close();
        plugin.kill();
        await daemon.stop();
    });
    afterEach(removeFolders);

    it("is of the version that the program asks for", async () => {
        assert.equal((await call(client.getPluginInfo, new Empty())).getVersion(), version);
    });

    it("accepts secrets and previews after the daemon answers", async () => {
        const response = await call(client.configure, new proto.ConfigureRequest());
        assert.deepEqual([response.getAcceptsecrets(), response.getSupportspreview()], [true, true]);
    });

    it("has no other resource and no function", async () => {
        const urn = urnOf("docker:index/container:Container");
        await rejects(call(client.check, new proto.CheckRequest().setUrn(urn)), `${onlyImages}docker:index/container:Container`);
        await rejects(call(client.create, new proto.CreateRequest().setUrn(urn)), `${onlyImages}docker:index/container:Container`);
        const lookUp = new proto.InvokeRequest().setTok("docker:index/getNetwork:getNetwork");
        await rejects(call(client.invoke, lookUp), `${onlyImages}the function docker:index/getNetwork:getNetwork`);
    });

    it("refuses settings, because it would ignore them", async () => {
        const news = struct({ version: "5.2.0", host: "ssh://far.example" });
        const failures = (await call(client.checkConfig, new proto.CheckRequest().setNews(news))).getFailuresList();
        assert.deepEqual(
            failures.map((failure) => failure.getProperty()),
            ["host"],
        );
    });

    it("checks, shows, creates, updates and deletes an image", async () => {
        const context = await folderWith({ Dockerfile: "FROM scratch" });
        const given = { imageName: "127.0.0.1:5000/app:1", build: { context, builderVersion: "BuilderV1" } };
        const check = new proto.CheckRequest().setUrn(imageUrn).setNews(struct(given));
        const inputs = (await call(client.check, check)).getInputs();

        const create = new proto.CreateRequest().setUrn(imageUrn).setProperties(inputs);
        const preview = await call(client.create, create.clone().setPreview(true));
        assert.deepEqual(properties(preview.getProperties()), properties(inputs));
        assert.deepEqual(
            daemon.requests.filter(({ path }) => path === "/build"),
            [],
        );

        daemon.answers = { build: [{ aux: { ID: "sha256:1" } }], push: [{ aux: { Digest: "sha256:2" } }] };
        const created = await call(client.create, create);
        assert.equal(created.getId(), "127.0.0.1:5000/app:1");
        assert.equal(properties(created.getProperties()).repoDigest, "127.0.0.1:5000/app@sha256:2");

        const news = struct({ ...properties(inputs), skipPush: true });
        const diff = new proto.DiffRequest().setUrn(imageUrn).setOldInputs(inputs).setNews(news);
        const difference = await call(client.diff, diff);
        assert.deepEqual([difference.getChanges(), difference.getReplacesList()], [proto.DiffResponse.DiffChanges.DIFF_SOME, []]);
        assert.deepEqual([...difference.getDetaileddiffMap().keys()], ["skipPush"]);
        assert.equal((await call(client.diff, diff.clone().setNews(inputs))).getChanges(), proto.DiffResponse.DiffChanges.DIFF_NONE);

        const update = new proto.UpdateRequest().setUrn(imageUrn).setOlds(created.getProperties()).setNews(news);
        const updated = await call(client.update, update);
        assert.equal(properties(updated.getProperties()).repoDigest, "sha256:1");

        const asked = daemon.requests.length;
        await call(client.delete, new proto.DeleteRequest().setUrn(imageUrn).setProperties(created.getProperties()));
        assert.equal(daemon.requests.length, asked);
    });

    it("ends after the engine has died", async () => {
        plugin.stdin?.destroy();
        assert.deepEqual(await once(plugin, "exit"), [0, null]);
    });
});
