import { strict as assert } from "node:assert";
import { join } from "node:path";
import type { Builder, Registry } from "../../lab/machine/docker-provider/build";
import { buildsOnPreview, check, diff, make, previewUpdate } from "../../lab/machine/docker-provider/image";
import { type Properties, plain, secret } from "../../lab/machine/provider/values";
import { addFiles, folderWith, removeFolders } from "./files";

const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const imageName = "registry.example:5000/team/app:1";
const registry = { server: "registry.example:5000", username: "ci", password: secret("hunter22") };

let context: string;
/** The required inputs and those in `more`. */
const given = (more: Properties = {}): Properties => ({ imageName, build: { context }, ...more });
const inputsOf = async (news: Properties) => {
    const { inputs, failures } = await check(news);
    assert.deepEqual(failures, []);
    return inputs;
};
const failuresOf = async (news: Properties) => (await check(news)).failures;

beforeEach(async () => {
    context = await folderWith({ Dockerfile: "FROM scratch", "main.py": "" });
});
afterEach(removeFolders);

describe("Checking an image", () => {
    it("sets the defaults of inputs that the program does not set", async () => {
        const { contextDigest, ...build } = (await inputsOf(given())).build as Properties;
        assert.match(String(contextDigest), /^[0-9a-f]{64}$/);
        assert.deepEqual(build, {
            context,
            dockerfile: join(context, "Dockerfile"),
            platform: process.arch === "x64" ? "linux/amd64" : `linux/${process.arch}`,
        });
    });

    it("keeps secrets secret, also inside nested values", async () => {
        const inputs = await inputsOf(given({ registry: secret(plain(registry)), build: secret({ context }) }));
        assert.ok(JSON.stringify(inputs.registry).includes("1b47061264138c4ac30d75fd1eb44270"));
        assert.match(String((plain(inputs.build as Properties) as Properties).contextDigest), /^[0-9a-f]{64}$/);
    });

    it("makes a password a secret if the program did not", async () => {
        const inputs = await inputsOf(given({ registry: { ...registry, password: "hunter22" } }));
        assert.deepEqual(inputs.registry, registry);
    });

    it("leaves the digest unknown while the folder or the whole build is unknown", async () => {
        assert.deepEqual((await inputsOf(given({ build: unknown }))).build, unknown);
        assert.equal(((await inputsOf(given({ build: { context: unknown } }))).build as Properties).contextDigest, undefined);
    });

    it("refuses unknown inputs, and names the known ones", async () => {
        assert.deepEqual(await failuresOf(given({ registry: { ...registry, user: "ci" }, localImageName: "app" })), [
            {
                property: "localImageName",
                reason: "docker.Image has no such input; known here are imageName, build, registry, skipPush, buildOnPreview",
            },
            {
                property: "registry.user",
                reason: "docker.Image has no such input; known here are registry.server, registry.username, registry.password",
            },
        ]);
    });

    it("refuses values of another kind", async () => {
        const build = { context, args: ["A=1"], addHosts: "a:1", builderVersion: "2", cacheFrom: { images: [1] } };
        assert.deepEqual(
            (await failuresOf({ imageName: 1, build, skipPush: "yes" })).map(({ property, reason }) => `${property}: ${reason}`),
            [
                "imageName: This has to be a text",
                "build.args: This has to be an object of texts",
                "build.cacheFrom.images: This has to be a list of texts",
                "build.builderVersion: This has to be BuilderBuildKit or BuilderV1",
                "build.addHosts: This has to be a list of texts",
                "skipPush: This has to be true or false",
            ],
        );
    });

    it("requires a name", async () => {
        assert.deepEqual(await failuresOf({ build: { context } }), [{ property: "imageName", reason: "An image needs a name" }]);
    });

    it("requires the registry in the name, unless it only builds", async () => {
        const news = given({ imageName: "team/app:1" });
        assert.deepEqual(await failuresOf(news), [
            { property: "imageName", reason: "team/app:1 names no registry: for Docker Hub write docker.io/team/app:1" },
        ]);
        assert.deepEqual(await failuresOf({ ...news, skipPush: true }), []);
    });

    it("refuses to send the credentials to another registry than the image's", async () => {
        assert.deepEqual(await failuresOf(given({ registry: { ...registry, server: "https://other.example/v2/" } })), [
            {
                property: "registry.server",
                reason: `${imageName} lies in the registry registry.example:5000, not in https://other.example/v2/`,
            },
        ]);
    });

    it("recognises a registry by its URL and its path, and Docker Hub by all its names", async () => {
        for (const server of ["http://registry.example:5000", "registry.example:5000/team"]) {
            assert.deepEqual(await failuresOf(given({ registry: { ...registry, server } })), []);
        }
        const hub = { ...registry, server: "https://index.docker.io/v1/" };
        assert.deepEqual(await failuresOf(given({ imageName: "team/app", registry: hub })), []);
    });

    it("requires both the user and the password, or neither", async () => {
        assert.deepEqual(await failuresOf(given({ registry: { server: registry.server, username: "ci" } })), [
            { property: "registry.password", reason: "Give both the user and the password, or neither for anonymous access" },
        ]);
    });

    it("suggests the path of a Dockerfile that it finds elsewhere", async () => {
        const news = given({ build: { context, dockerfile: "main.py" } });
        assert.deepEqual(await failuresOf(news), [
            {
                property: "build.dockerfile",
                reason: `There is no file main.py; the path is relative to the program's folder: try ${join(context, "main.py")}`,
            },
        ]);
        assert.deepEqual(await failuresOf(given({ build: { context: "/nowhere" } })), [
            { property: "build.context", reason: "There is no folder /nowhere" },
        ]);
    });
});

describe("An image's diff", () => {
    it("is empty for the same inputs and files", async () => {
        assert.deepEqual(diff(await inputsOf(given({ registry })), await inputsOf(given({ registry }))), []);
    });

    it("is an update of the digest when a file has changed", async () => {
        const before = await inputsOf(given());
        await addFiles(context, { "main.py": "print()" });
        assert.deepEqual(diff(before, await inputsOf(given())), [{ property: "build.contextDigest", kind: "update" }]);
    });

    it("is empty for another user or password, also for an unknown one", async () => {
        const before = await inputsOf(given({ registry }));
        for (const changed of [{ ...registry, password: secret("new") }, { ...registry, username: "cd", password: unknown }, unknown]) {
            assert.deepEqual(diff(before, await inputsOf(given({ registry: changed }))), []);
        }
    });

    it("is empty for a value that has become a secret", async () => {
        assert.deepEqual(diff(await inputsOf(given()), await inputsOf(given({ imageName: secret(imageName) }))), []);
    });

    it("names each changed, added or removed input", async () => {
        const before = await inputsOf(given({ build: { context, target: "web", args: { A: "1" } } }));
        const after = await inputsOf(
            given({ imageName: "registry.example:5000/team/app:2", build: { context, args: { A: "2" } }, skipPush: true }),
        );
        assert.deepEqual(diff(before, after), [
            { property: "imageName", kind: "update" },
            { property: "build.target", kind: "delete" },
            { property: "build.args", kind: "update" },
            { property: "skipPush", kind: "add" },
        ]);
    });

    it("treats an unknown value as a change", async () => {
        assert.deepEqual(diff(await inputsOf(given()), await inputsOf(given({ imageName: unknown }))), [
            { property: "imageName", kind: "update" },
        ]);
    });
});

describe("An image's preview", () => {
    const old = { imageName, repoDigest: "registry.example:5000/team/app@sha256:1" };

    it("keeps the digest while the name is unchanged", () => {
        assert.equal(previewUpdate(old, given()).repoDigest, old.repoDigest);
    });

    it("has an unknown digest for another name", () => {
        assert.equal("repoDigest" in previewUpdate(old, given({ imageName: "registry.example:5000/team/app:2" })), false);
        assert.equal("repoDigest" in previewUpdate(old, given({ imageName: unknown })), false);
    });

    it("builds if the setting asks for it and the inputs are known", () => {
        assert.equal(buildsOnPreview(given()), false);
        assert.equal(buildsOnPreview(given({ buildOnPreview: true })), true);
        assert.equal(buildsOnPreview(given({ buildOnPreview: true, build: { context, args: { A: unknown } } })), false);
    });
});

describe("Making an image", () => {
    const lines: string[] = [];
    const pushes: Registry[] = [];
    const builder: Builder = {
        async build(name, build, options, _, log) {
            log(`building ${name} from ${build.entries.length} files with ${JSON.stringify(options.args)} and hunter22`);
            return "sha256:image";
        },
        async push(_, to) {
            pushes.push(to);
            return "sha256:manifest";
        },
    };
    const outputsOf = async (news: Properties, isPreview = false) =>
        make(await inputsOf(news), builder, (line) => lines.push(line), isPreview);

    beforeEach(() => {
        lines.length = 0;
        pushes.length = 0;
    });

    it("returns the given name, and the digest by which pods run it", async () => {
        assert.deepEqual(await outputsOf(given({ registry })), {
            imageName,
            baseImageName: imageName,
            repoDigest: "registry.example:5000/team/app@sha256:manifest",
            registryServer: "registry.example:5000",
            context,
            dockerfile: "Dockerfile",
            platform: process.arch === "x64" ? "linux/amd64" : `linux/${process.arch}`,
        });
        assert.deepEqual(pushes, [{ host: "registry.example:5000", credentials: { username: "ci", password: "hunter22" } }]);
    });

    it("returns the image's ID if the image is not pushed", async () => {
        assert.equal((await outputsOf(given({ skipPush: true }))).repoDigest, "sha256:image");
        assert.deepEqual(pushes, []);
    });

    it("only builds in a preview, and leaves the digest unknown", async () => {
        assert.equal("repoDigest" in (await outputsOf(given(), true)), false);
        assert.deepEqual(pushes, []);
    });

    it("has no password among its outputs, and keeps a secret name secret", async () => {
        const outputs = await outputsOf(given({ registry, imageName: secret(imageName) }));
        assert.deepEqual(outputs.imageName, secret(imageName));
        assert.deepEqual(outputs.baseImageName, secret(imageName));
        assert.ok(!JSON.stringify(outputs).includes("hunter22"));
    });

    it("logs neither the password nor secret build arguments", async () => {
        await outputsOf(given({ registry, build: { context, args: { TOKEN: secret("t0ken"), LEVEL: "debug" } } }));
        assert.ok(lines.includes(`building ${imageName} from 2 files with {"TOKEN":"[secret]","LEVEL":"debug"} and [secret]`));
    });

    it("keeps the password out of errors", async () => {
        const failing: Builder = { ...builder, push: () => Promise.reject(new Error("401 for ci:hunter22")) };
        await assert.rejects(
            make(await inputsOf(given({ registry })), failing, () => {}, false),
            new Error("401 for ci:[secret]"),
        );
    });
});
