import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StackName } from "../../cli/stackName";
import { pinOf } from "../../operations/ownImage";
import { previousImage, requireBuiltImage } from "../../operations/rollback";

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const image = (tag: string, digit: string) => `registry.example.com:5000/sms/sms:${tag}@${digest(digit)}`;

function replicaSet(revision: string, name: string) {
    return {
        metadata: { annotations: { "deployment.kubernetes.io/revision": revision } },
        spec: {
            template: {
                spec: {
                    containers: [
                        { name: "log", image: "other" },
                        { name: "sms-web", image: name },
                    ],
                },
            },
        },
    };
}

describe("the image for a rollback", () => {
    it("is the newest one that isn't the current one, by number and not by text", () => {
        const items = [replicaSet("9", image("a", "1")), replicaSet("11", image("c", "3")), replicaSet("10", image("b", "2"))];
        assert.equal(previousImage({ items }), image("b", "2"));
    });

    it("is another image, not only another configuration", () => {
        const items = [replicaSet("3", image("b", "2")), replicaSet("2", image("b", "2")), replicaSet("1", image("a", "1"))];
        assert.equal(previousImage({ items }), image("a", "1"));
    });

    it("is missing after the first deployment", () => {
        assert.equal(previousImage({ items: [replicaSet("1", image("a", "1"))] }), undefined);
        assert.equal(previousImage({ items: [] }), undefined);
    });

    it("is pinned by tag and digest", () => {
        assert.equal(pinOf(image("abc", "1")), `abc@${digest("1")}`);
        assert.equal(pinOf(`abc@${digest("1")}`), `abc@${digest("1")}`);
        for (const bad of ["abc", digest("1"), "previous", `abc@sha256:123`, ""]) {
            assert.equal(pinOf(bad), undefined, bad);
        }
    });
});

describe("a rollback", () => {
    const stack = { name: "shop", qualified: "acme/sms/shop" } as StackName;

    it("is only for images that are built here: a given image is changed in its setting", () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-rollback-"));
        try {
            assert.doesNotThrow(() => requireBuiltImage(folder, stack));
            for (const [image, isRefused] of [
                ["{ platform: linux/amd64 }", false],
                ["{ kind: given, reference: x }", true],
            ] as const) {
                writeFileSync(join(folder, "Pulumi.shop.yaml"), `config:\n  sms:image: ${image}\n`);
                const attempt = () => requireBuiltImage(folder, stack);
                if (isRefused) {
                    assert.throws(attempt, {
                        message:
                            "sms:image.reference in Pulumi.shop.yaml says which image runs. Set it to the previous image, then: npm run deploy -- --stack acme/sms/shop",
                    });
                } else {
                    assert.doesNotThrow(attempt);
                }
            }
        } finally {
            rmSync(folder, { recursive: true });
        }
    });
});
