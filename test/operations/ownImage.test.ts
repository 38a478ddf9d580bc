import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentTag } from "../../components/contentTag";
import { deployedImages, ownImage, registryEnv } from "../../operations/ownImage";
import { complete, readPlaceholders } from "../../operations/placeholders";
import { readStackFile } from "../../operations/stackFile";
import { clone } from "../../toolchain/places";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const nothing = async () => ({ stdout: "" });

/** Of a stack file of this clone, with some settings in place of its own. */
function imageOf(stack: string, settings: Record<string, unknown> = {}) {
    const file = readStackFile(clone, stack);
    return ownImage(stack, complete(stack, { ...file, config: { ...file.config, ...settings } }, readPlaceholders()));
}

describe("the image that a release pushes", () => {
    it("goes where `up` pushes to, under a tag of its own for the same content", () => {
        const build = { context: join(clone, "app"), platform: "linux/arm64", args: { BASE_IMAGE: "python:3.11.9", A: "1" } };
        const image = { platform: "linux/arm64", baseImage: "python:3.11.9", buildArgs: { A: "1" } };
        const registry = {
            kind: "acr",
            instanceId: "cri-1a2b3c",
            instanceName: "shop",
            username: "robot",
            namespace: "team",
            repository: "shop",
        };
        assert.deepEqual(imageOf("online", { "sms:image": image, "sms:registry": registry }), {
            repository: "shop-registry.cn-hangzhou.cr.aliyuncs.com/team/shop",
            username: "robot",
            platform: "linux/arm64",
            build,
            tag: `release-${contentTag(build)}`,
        });
    });

    it("goes to a registry by its address, also without an account", () => {
        const server = "push.example.com:5000";
        const { repository, username } = imageOf("local", { "sms:registry": { server, pullServer: "pull.example.com", username: "sms" } });
        assert.deepEqual([repository, username], [`${server}/sms`, "sms"]);
        const anonymous = imageOf("local", { "sms:registry": { kind: "anonymous", server, repository: "team/sms" } });
        assert.deepEqual([anonymous.repository, "username" in anonymous], [`${server}/team/sms`, false]);
    });

    it("is none where the stack file names the image that runs", () => {
        for (const image of [{ pinned: `old@${digest("1")}` }, { kind: "given", reference: `127.0.0.1:5000/sms@${digest("1")}` }]) {
            const { build, tag } = imageOf("local", { "sms:image": image });
            assert.deepEqual([build, tag], [undefined, undefined]);
        }
    });
});

describe("the images that a stack runs", () => {
    it("are those of its state: the app's, and all that `up` has pushed", async () => {
        const app = `pull.example.com/sms:release-1@${digest("1")}`;
        const resources = [
            { type: "pulumi:pulumi:Stack", outputs: { image: app } },
            { type: "docker:index/image:Image", outputs: { repoDigest: `push.example.com/sms@${digest("2")}` } },
            { type: "kubernetes:apps/v1:Deployment", outputs: { image: "another" } },
        ];
        const pulumi = async () => ({ stdout: JSON.stringify({ deployment: { resources } }) });
        assert.deepEqual(await deployedImages(pulumi), {
            app,
            pin: `release-1@${digest("1")}`,
            pushed: [`push.example.com/sms@${digest("2")}`],
        });
    });

    it("are none before the first `up`", async () => {
        assert.deepEqual(await deployedImages(async () => ({ stdout: "{}" })), { app: undefined, pin: undefined, pushed: [] });
    });
});

describe("the registry's account", () => {
    it("stands in a file that only its user reads, for the registry's host alone", async () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-account-"));
        try {
            const asked: string[] = [];
            const pulumi = async (args: readonly string[]) => {
                asked.push(args.join(" "));
                return { stdout: "p:w" };
            };
            const env = await registryEnv({ repository: "host:5000/sms", username: "robot", platform: "linux/amd64" }, pulumi, folder);
            assert.deepEqual([asked, env.DOCKER_CONFIG], [["config get sms:registryPassword"], folder]);
            const { auths } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
            assert.deepEqual(auths, { "host:5000": { auth: Buffer.from("robot:p:w").toString("base64") } });
            assert.equal(statSync(join(folder, "config.json")).mode & 0o777, 0o600);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });

    it("is nobody's where the registry asks for none: docker's own login stays", async () => {
        assert.deepEqual(await registryEnv({ repository: "host/sms", platform: "linux/amd64" }, nothing, "/nowhere"), {});
    });
});
