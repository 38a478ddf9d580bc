import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { PullSecret } from "../../components/pullSecret";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

describe("the pull secret", () => {
    const pullSecret = () =>
        new PullSecret("pull-secret", {
            namespace: "sms",
            registry: { push: "push.example.com", pull: "pull.example.com" },
            account: { username: "robot", password: pulumi.secret("p:w") },
        });

    it("has credentials for both of a registry's hosts, and is a secret in the state", async () => {
        const { deployed } = await deploy(pullSecret);
        const { inputs, secrets, parent } = deployed.one(types.secret);
        assert.deepEqual(inputs.metadata, { name: "pull-secret", namespace: "sms" });
        assert.equal(inputs.type, "kubernetes.io/dockerconfigjson");
        assert.deepEqual(Object.keys(inputs.stringData), [".dockerconfigjson"]);
        assert.deepEqual(JSON.parse(inputs.stringData[".dockerconfigjson"]), {
            auths: {
                "pull.example.com": { username: "robot", password: "p:w", auth: "cm9ib3Q6cDp3" },
                "push.example.com": { username: "robot", password: "p:w", auth: "cm9ib3Q6cDp3" },
            },
        });
        assert.deepEqual([secrets, parent], [["stringData"], "pull-secret"]);
        assert.equal(deployed.resources.length, 2);
    });

    it("is a secret in the state, also if the password is not marked as one", async () => {
        const registry = { push: "registry.example.com", pull: "registry.example.com" };
        const account = { username: "robot", password: "pw" };
        const { deployed } = await deploy(() => new PullSecret("pull-secret", { namespace: "sms", registry, account }));
        const { inputs, secrets } = deployed.one(types.secret);
        assert.deepEqual(secrets, ["stringData"]);
        assert.deepEqual(Object.keys(JSON.parse(inputs.stringData[".dockerconfigjson"]).auths), ["registry.example.com"]);
    });

    it("has an output with its name, which is not secret", async () => {
        const { result } = await deploy(pullSecret);
        assert.deepEqual(await resolve(result.name), { value: "pull-secret", secret: false });
    });
});
