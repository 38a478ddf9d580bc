import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentTag } from "../../components/contentTag";
import { Image } from "../../components/image";
import { deploy, digest, resolve, types } from "../../lab/fixtures/deployed";

describe("the image", () => {
    let folder: string;
    let context: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-image-"));
        context = join(folder, "app");
        mkdirSync(join(context, "sms"), { recursive: true });
        writeFileSync(join(context, "Dockerfile"), "FROM scratch\n");
        writeFileSync(join(context, ".dockerignore"), "**\n!sms/*.py\n!start.sh\n");
        writeFileSync(join(context, "sms", "web.py"), "web");
        writeFileSync(join(context, "sms", "web.pyc"), "compiled");
        writeFileSync(join(context, "start.sh"), "start", { mode: 0o755 });
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    const tag = (changes = {}) => contentTag({ context, platform: "linux/amd64", args: { BASE_IMAGE: "python:3.11", A: "1" }, ...changes });

    const image = ({ registry = {}, ...changes }: { pinned?: string; registry?: { account?: undefined } } = {}) =>
        new Image("image", {
            context,
            registry: {
                push: "push.example.com:5000",
                pull: "pull.example.com",
                repository: "team/sms",
                account: { username: "robot", password: "pw" },
                ...registry,
            },
            baseImage: "python:3.11",
            platform: "linux/arm64",
            buildArgs: { PIP_INDEX_URL: "https://mirror.example.com/simple" },
            ...changes,
        });
    const args = { BASE_IMAGE: "python:3.11", PIP_INDEX_URL: "https://mirror.example.com/simple" };

    it("is built from its folder and pushed with the registry's account", async () => {
        const { deployed } = await deploy(() => image());
        const { inputs, name, parent, secrets } = deployed.one(types.image);
        assert.deepEqual(inputs, {
            imageName: `push.example.com:5000/team/sms:${contentTag({ context, platform: "linux/arm64", args })}`,
            build: { context, platform: "linux/arm64", args },
            registry: { server: "push.example.com:5000", username: "robot", password: "pw" },
            buildOnPreview: false,
            skipPush: false,
        });
        assert.deepEqual([name, parent, secrets], ["image-image", "image", ["registry"]]);
        assert.deepEqual(deployed.listed(), ["image (sms:image:Image)", "image-image (docker:index/image:Image)"]);
    });

    it("is pushed without an account if the registry requires none", async () => {
        const { deployed } = await deploy(() => image({ registry: { account: undefined } }));
        const { inputs, secrets } = deployed.one(types.image);
        assert.deepEqual([inputs.registry, secrets], [{ server: "push.example.com:5000" }, []]);
    });

    it("that is pinned runs as pushed before, and nothing is built", async () => {
        const pinned = `old@${digest}`;
        const { result, deployed } = await deploy(() => image({ pinned }));
        assert.deepEqual(deployed.listed(), ["image (sms:image:Image)"]);
        assert.equal((await resolve(result.reference)).value, `pull.example.com/team/sms:${pinned}`);
    });

    it("runs by digest, from the host that nodes pull from, with a tag that is known in a preview", async () => {
        const { result } = await deploy(() => image());
        const reference = `pull.example.com/team/sms:${contentTag({ context, platform: "linux/arm64", args })}@${digest}`;
        assert.deepEqual(await resolve(result.reference), { value: reference, secret: false });
    });

    describe("has a tag that", () => {
        it("is valid for registries", () => {
            assert.match(tag(), /^[0-9a-f]{20}$/);
        });

        it("has a known value: a changed way to compute it would roll all pods without need", () => {
            assert.equal(tag(), "ee7878cc16fbc40335b3");
        });

        it("is the same for the same content in another folder, at another time, with another umask", () => {
            const before = tag();
            const copy = join(folder, "elsewhere");
            cpSync(context, copy, { recursive: true });
            utimesSync(join(copy, "sms", "web.py"), 1, 1);
            chmodSync(join(copy, "sms", "web.py"), 0o600);
            chmodSync(join(copy, "start.sh"), 0o700);
            assert.equal(tag({ context: copy }), before);
        });

        it("doesn't depend on the order of build arguments", () => {
            assert.equal(tag({ args: { A: "1", BASE_IMAGE: "python:3.11" } }), tag());
        });

        const same: [string, () => void][] = [
            ["an ignored file changes", () => writeFileSync(join(context, "sms", "web.pyc"), "compiled anew")],
            ["an ignored file comes", () => writeFileSync(join(context, "notes.txt"), "note")],
            ["an empty folder comes", () => mkdirSync(join(context, "empty"))],
        ];
        for (const [what, change] of same) {
            it(`stays when ${what}`, () => {
                const before = tag();
                change();
                assert.equal(tag(), before);
            });
        }

        const other: [string, () => void][] = [
            ["a file's content", () => writeFileSync(join(context, "sms", "web.py"), "Web")],
            ["a file's name", () => cpSync(join(context, "sms", "web.py"), join(context, "sms", "web2.py"))],
            ["a file's executable bit", () => chmodSync(join(context, "start.sh"), 0o644)],
            [
                "a file into a link",
                () => {
                    rmSync(join(context, "start.sh"));
                    symlinkSync("sms/web.py", join(context, "start.sh"));
                },
            ],
            ["the Dockerfile, though ignored", () => writeFileSync(join(context, "Dockerfile"), "FROM other\n")],
            ["what is ignored", () => writeFileSync(join(context, ".dockerignore"), "**\n!sms/*\n!start.sh\n")],
        ];
        for (const [what, change] of other) {
            it(`changes with ${what}`, () => {
                const before = tag();
                change();
                assert.notEqual(tag(), before);
            });
        }

        it("changes with the base image, another build argument and the platform", () => {
            const tags = [
                tag(),
                tag({ args: { BASE_IMAGE: "python:3.12", A: "1" } }),
                tag({ args: { BASE_IMAGE: "python:3.11", A: "2" } }),
                tag({ platform: "linux/arm64" }),
            ];
            assert.equal(new Set(tags).size, 4);
        });

        it("includes all files if nothing is ignored", () => {
            rmSync(join(context, ".dockerignore"));
            const before = tag();
            writeFileSync(join(context, "sms", "web.pyc"), "compiled anew");
            assert.notEqual(tag(), before);
        });
    });
});
