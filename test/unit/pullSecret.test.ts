import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { PullSecret } from "../../components/pullSecret";
import { deploy, resolve, types } from "./deployed";

describe("the pull secret", () => {
    const pullSecret = () =>
        new PullSecret("pull-secret", {
            namespace: "sms",
            registry: { push: "push.example.com", pull: "pull.example.com", username: "robot", password: pulumi.secret("p:w") },
        });

    it("is what kubelet reads for both of a registry's hosts, and a secret in the state", async () => {
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

    it("is a secret in the state whoever gives the password", async () => {
        const registry = { push: "registry.example.com", pull: "registry.example.com", username: "robot", password: "pw" };
        const { deployed } = await deploy(() => new PullSecret("pull-secret", { namespace: "sms", registry }));
        const { inputs, secrets } = deployed.one(types.secret);
        assert.deepEqual(secrets, ["stringData"]);
        assert.deepEqual(Object.keys(JSON.parse(inputs.stringData[".dockerconfigjson"]).auths), ["registry.example.com"]);
    });

    it("gives its name, which is nothing secret", async () => {
        const { result } = await deploy(pullSecret);
        assert.deepEqual(await resolve(result.name), { value: "pull-secret", secret: false });
    });
});
