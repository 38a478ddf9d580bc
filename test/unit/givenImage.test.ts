import assert from "node:assert/strict";
import { digest, types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { localSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { problemsOf, settingsOf, smallest } from "./smallest";

describe("an image that was built elsewhere", () => {
    const reference = `registry.example.com/team/shop:1.4@${digest}`;
    const given = { kind: "given", reference };
    const registry = JSON.stringify({ server: "registry.example.com", username: "robot" });

    it("runs under its given name, and nothing is built or pushed, not even the log collector", async () => {
        const ship = { image: "registry.example.com/otel/collector:0.128.0", to: { kind: "otlp", endpoint: "https://otlp.example.com" } };
        const file = { ...stackFile("local"), registry, image: JSON.stringify(given), logs: JSON.stringify({ ship }) };
        const { deployed, result } = await runProgram("local", file, localSecrets);
        assert.deepEqual(
            deployed.resources.filter(({ type }) => type === types.image || type === "sms:image:Image"),
            [],
        );
        for (const type of [types.deployment, types.job]) {
            for (const { name, inputs } of deployed.resources.filter((resource) => resource.type === type)) {
                const { containers, imagePullSecrets } = inputs.spec.template.spec;
                assert.deepEqual([containers[0].image, imagePullSecrets], [reference, [{ name: "pull-secret" }]], name);
            }
        }
        const { initContainers } = deployed.one(types.deployment, "web-deployment").inputs.spec.template.spec;
        assert.deepEqual(
            initContainers.map(({ image }: { image: string }) => image),
            [ship.image, reference],
        );
        assert.equal(result.image as unknown, reference);
    });

    it("has a platform, too", () => {
        assert.deepEqual(settingsOf({ image: given }).image, { ...given, platform: "linux/amd64" });
        assert.deepEqual(settingsOf({ image: { ...given, platform: "linux/arm64" } }).image, { ...given, platform: "linux/arm64" });
    });

    it("may be named by either of the registry's hosts", () => {
        const servers = { server: "push.example.com", pullServer: "registry.example.com" };
        assert.deepEqual(problemsOf({ image: given, registry: { ...smallest.registry, ...servers } }), []);
        const acr = { kind: "acr", instanceId: "cri-1a2b3c", instanceName: "my-registry", username: "robot" };
        const there = `my-registry-registry-vpc.cn-hangzhou.cr.aliyuncs.com/team/shop@${digest}`;
        assert.deepEqual(problemsOf({ alibaba: { region: "cn-hangzhou" }, registry: acr, image: { kind: "given", reference: there } }), []);
    });

    const set = (value: string) => `pulumi config set --path 'sms:image.reference' ${value} --stack online`;
    const allowed = "allowed: HOST/REPOSITORY:TAG@sha256:DIGEST of an image in a registry";
    const example = `registry.example.com/sms:1.0@sha256:${"0".repeat(64)}`;
    const remove = (key: string) => `pulumi config rm --path 'sms:image.${key}' --stack online`;
    const shown = (text: string) => (JSON.stringify(text).length > 60 ? `${JSON.stringify(text).slice(0, 60)}…` : JSON.stringify(text));
    const refused: [what: string, image: object, problems: string[]][] = [
        ["without a reference", { kind: "given" }, [`sms:image.reference is missing; ${allowed} | ${set(example)}`]],
        [
            "without a digest",
            { kind: "given", reference: "registry.example.com/shop:1.4" },
            [
                `sms:image.reference is "registry.example.com/shop:1.4"; ${allowed}; here it doesn't end with @sha256:DIGEST | ${set(example)}`,
            ],
        ],
        [
            "without a host",
            { kind: "given", reference: `team/shop@${digest}` },
            [
                `sms:image.reference is ${shown(`team/shop@${digest}`)}; ${allowed}; here it doesn't begin with a registry's host | ${set(example)}`,
            ],
        ],
        [
            "of another registry, for which the pods have no password",
            { kind: "given", reference: `other.example.com/shop@${digest}` },
            [
                `sms:image.reference is ${shown(`other.example.com/shop@${digest}`)}; allowed: an image of the registry in sms:registry: registry.example.com | ${set(`registry.example.com/shop@${digest}`)}`,
            ],
        ],
        [
            "and how to build one",
            { ...given, context: "app", baseImage: "python:3.11", buildArgs: {}, pinned: `1@${digest}` },
            ["context", "baseImage", "buildArgs", "pinned"].map(
                (key) => `sms:image.${key} is not known; allowed: kind, reference, platform | ${remove(key)}`,
            ),
        ],
        [
            "by a reference alone, without its kind",
            { reference },
            [
                `sms:image.reference is ${shown(reference)}; allowed: left out, or beside kind: given, which names an image that somebody else has built | ${remove("reference")}`,
            ],
        ],
        [
            "of another kind",
            { kind: "pulled" },
            ["sms:image.kind is \"pulled\"; allowed: build or given | pulumi config set --path 'sms:image.kind' build --stack online"],
        ],
    ];
    for (const [what, image, problems] of refused) {
        it(`is refused ${what}`, () => {
            assert.deepEqual(problemsOf({ image }), problems);
        });
    }
});
