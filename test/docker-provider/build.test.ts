import { strict as assert } from "node:assert";
import { join } from "node:path";
import { type BuildOptions, Engine } from "../../lab/machine/docker-provider/build";
import { type BuildContext, readContext } from "../../lab/machine/docker-provider/context";
import { Daemon } from "./daemon";
import { folderWith, removeFolders } from "./files";

const imageName = "127.0.0.1:5000/team/app:1";
const registry = { host: "127.0.0.1:5000", credentials: { username: "ci", password: "hunter22" } };
const refused = 'The registry 127.0.0.1:5000 refused the credentials of the user "ci" (registry.username, registry.password): ';

describe("The Docker Engine", () => {
    const dockerHost = process.env.DOCKER_HOST;
    let daemon: Daemon;
    let context: BuildContext;
    let stopping: AbortController;
    let engine: Engine;

    const build = (options: BuildOptions = {}) => engine.build(imageName, context, options, registry, () => {});
    const decoded = (header: string | string[] | undefined) => JSON.parse(Buffer.from(String(header), "base64url").toString());

    beforeEach(async () => {
        daemon = new Daemon();
        await daemon.start();
        process.env.DOCKER_HOST = daemon.address;
        stopping = new AbortController();
        engine = new Engine(stopping.signal);
        const folder = await folderWith({ Dockerfile: "FROM scratch" });
        context = await readContext(folder, join(folder, "Dockerfile"));
    });

    afterEach(async () => {
        if (dockerHost === undefined) {
            delete process.env.DOCKER_HOST;
        } else {
            process.env.DOCKER_HOST = dockerHost;
        }
        await daemon.stop();
        await removeFolders();
    });

    it("builds with BuildKit and with all inputs of docker.Image", async () => {
        daemon.answers.build = [{ id: "moby.image.id", aux: { ID: "sha256:1" } }];
        const options = { args: { A: "1" }, target: "web", platform: "linux/arm64", network: "host", addHosts: ["db:10.0.0.1"] };
        assert.equal(await build({ ...options, cacheFrom: { images: ["127.0.0.1:5000/team/app:0"] } }), "sha256:1");
        const { session, ...query } = daemon.requests[0]?.query ?? {};
        assert.match(String(session), /^[0-9a-f-]{36}$/);
        assert.deepEqual(query, {
            t: imageName,
            dockerfile: "Dockerfile",
            buildargs: '{"A":"1"}',
            cachefrom: '["127.0.0.1:5000/team/app:0"]',
            target: "web",
            platform: "linux/arm64",
            networkmode: "host",
            extrahosts: "db:10.0.0.1",
            version: "2",
        });
    });

    it("gives the credentials to their registry only, and only during the build", async () => {
        const asked: string[] = [];
        daemon.answers.build = [{ aux: { ID: "sha256:1" } }];
        daemon.whileBuilding = async (session) => {
            asked.push((await session.call("/grpc.health.v1.Health/Check", Buffer.alloc(0))).toString("hex"));
            for (const host of ["127.0.0.1:5000", "registry-1.docker.io"]) {
                asked.push((await session.credentials(host)).toString("latin1"));
            }
        };
        await build();
        assert.deepEqual(asked, ["0801", "\n\x02ci\x12\x08hunter22", ""]);
    });

    it("builds with the classic builder if asked to, and sends the credentials with the request", async () => {
        daemon.answers.build = [{ aux: { ID: "sha256:1" } }];
        assert.equal(await build({ builderVersion: "BuilderV1" }), "sha256:1");
        const { query, headers } = daemon.requests[0] ?? assert.fail();
        assert.deepEqual([query.version, query.session], ["1", undefined]);
        assert.deepEqual(decoded(headers["x-registry-config"]), { "127.0.0.1:5000": registry.credentials });
    });

    it("names the failing step", async () => {
        daemon.answers.build = [{ stream: "Step 1/1 : RUN make" }, { stream: "no rule\n" }, { error: "returned a non-zero code: 2" }];
        await assert.rejects(build(), {
            message: `The build of ${imageName} failed at Step 1/1 : RUN make: returned a non-zero code: 2\n    no rule`,
        });
    });

    it("reports that the registry refused the base image", async () => {
        const reason = "pulling from host 127.0.0.1:5000 failed with status code [manifests 1]: 401 Unauthorized";
        daemon.answers.build = [{ error: reason }];
        await assert.rejects(build(), { message: refused + reason });
    });

    it("doesn't report a registry's refusal if a command or another registry failed", async () => {
        for (const reason of ["executor failed running [curl 127.0.0.1:5000]: 401", "docker.io/team/base: pull access denied"]) {
            daemon.answers.build = [{ error: reason }];
            await assert.rejects(build(), { message: `The build of ${imageName} failed: ${reason}` });
        }
    });

    it("pushes the tag with the credentials", async () => {
        daemon.answers.push = [{ status: "Pushed", id: "1" }, { aux: { Tag: "1", Digest: "sha256:2" } }];
        assert.equal(await engine.push(imageName, registry, () => {}), "sha256:2");
        const { path, query, headers } = daemon.requests[0] ?? assert.fail();
        assert.deepEqual([path, query], ["/images/127.0.0.1:5000/team/app/push", { tag: "1" }]);
        assert.deepEqual(decoded(headers["x-registry-auth"]), { ...registry.credentials, serveraddress: "127.0.0.1:5000" });
    });

    it("reports that the registry refused the credentials, with the user but without the password", async () => {
        daemon.answers.push = [{ error: "unauthorized: authentication required" }];
        await assert.rejects(
            engine.push(imageName, registry, () => {}),
            { message: `${refused}unauthorized: authentication required` },
        );
    });

    it("reports that the registry requires credentials", async () => {
        daemon.answers.push = [{ error: "no basic auth credentials" }];
        await assert.rejects(
            engine.push(imageName, { host: registry.host }, () => {}),
            {
                message:
                    "The registry 127.0.0.1:5000 requires credentials and none are given (registry.username, registry.password): no basic auth credentials",
            },
        );
    });

    it("passes on the daemon's refusals", async () => {
        daemon.answers.push = 404;
        await assert.rejects(
            engine.push(imageName, registry, () => {}),
            { message: `The push of ${imageName} failed: no such thing` },
        );
    });

    it("names the address at which no daemon answered", async () => {
        process.env.DOCKER_HOST = "unix:///nowhere.sock";
        await assert.rejects(new Engine(stopping.signal).ping(), {
            message: "The Docker daemon at unix:///nowhere.sock (DOCKER_HOST) doesn't answer: connect ENOENT /nowhere.sock",
        });
    });

    it("ends a build that is canceled", async () => {
        daemon.whileBuilding = async () => {
            stopping.abort(new Error("Canceled"));
            await new Promise((done) => setTimeout(done, 100));
        };
        await assert.rejects(build(), { message: "Canceled" });
    });
});
