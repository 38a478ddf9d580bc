import assert from "node:assert/strict";
import { pinOf, placeOfWeb, previousImage } from "../../operations/rollback";

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

describe("the cluster to ask for earlier images", () => {
    const provider = "urn:pulumi:online::sms::pulumi:providers:kubernetes::cluster";
    const web = {
        urn: "urn:pulumi:online::sms::sms:web:Web$kubernetes:apps/v1:Deployment::web-deployment",
        type: "kubernetes:apps/v1:Deployment",
        provider: `${provider}::1a2b`,
        inputs: { metadata: { name: "sms-web", namespace: "shop" } },
    };
    type Resources = Parameters<typeof placeOfWeb>[0]["deployment"]["resources"] & {};
    const state = (inputs: object, ...more: Resources) => ({
        deployment: { resources: [{ urn: provider, type: "pulumi:providers:kubernetes", inputs }, ...more, web] },
    });

    it("is the one that the last up reached by its context", () => {
        assert.deepEqual(placeOfWeb(state({ context: "prod", kubeconfig: "/home/me/prod.yaml" })), {
            namespace: "shop",
            context: "prod",
            kubeconfig: "/home/me/prod.yaml",
        });
    });

    it("is the one whose kubeconfig the cloud gave, which is a secret of the state", () => {
        const kubeconfig = "apiVersion: v1\nkind: Config\n";
        assert.deepEqual(placeOfWeb(state({ kubeconfig: { plaintext: JSON.stringify(kubeconfig) } })), {
            namespace: "shop",
            context: undefined,
            kubeconfig,
        });
    });

    it("is that of the web, where the stack has several", () => {
        const other = { urn: provider.replace("cluster", "other"), type: "pulumi:providers:kubernetes", inputs: { context: "other" } };
        assert.equal(placeOfWeb(state({ context: "prod" }, other)).context, "prod");
    });

    it("is nowhere before the first up", () => {
        assert.throws(() => placeOfWeb({ deployment: {} }), /no `up` has brought it up yet/);
    });
});
