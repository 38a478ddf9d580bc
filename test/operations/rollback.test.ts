import assert from "node:assert/strict";
import { pinOf, previousImage } from "../../operations/rollback";

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

describe("the image to go back to", () => {
    it("is the newest that isn't the current one, by number and not by text", () => {
        const items = [replicaSet("9", image("a", "1")), replicaSet("11", image("c", "3")), replicaSet("10", image("b", "2"))];
        assert.equal(previousImage({ items }), image("b", "2"));
    });

    it("is another image, not only another configuration", () => {
        const items = [replicaSet("3", image("b", "2")), replicaSet("2", image("b", "2")), replicaSet("1", image("a", "1"))];
        assert.equal(previousImage({ items }), image("a", "1"));
    });

    it("isn't there after the first deployment", () => {
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
