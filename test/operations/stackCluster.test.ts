import assert from "node:assert/strict";
import { placeOfWeb } from "../../operations/stackCluster";

describe("the cluster of a stack", () => {
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

    it("is the one of the last up, by its context", () => {
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

    it("is that of the web, if the stack has several", () => {
        const other = { urn: provider.replace("cluster", "other"), type: "pulumi:providers:kubernetes", inputs: { context: "other" } };
        assert.equal(placeOfWeb(state({ context: "prod" }, other)).context, "prod");
    });

    it("is never kubectl's current one", () => {
        assert.throws(() => placeOfWeb(state({})), /doesn't say which cluster it is in/);
    });

    it("is unknown before the first up", () => {
        assert.throws(() => placeOfWeb({ deployment: {} }), /no `up` has brought it up yet/);
    });
});
