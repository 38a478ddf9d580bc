import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { SecretEnv } from "../../components/secretEnv";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

describe("the secret environment", () => {
    const secretEnv = () =>
        new SecretEnv("env", {
            namespace: "sms",
            redisUrl: "redis://redis/0",
            mongoUrl: pulumi.secret("mongodb://mongo/sms"),
            clientTokens: { shop: ["a1", "b2"] },
            more: { ALIYUN_ACCESS_KEY_SECRET: "key" },
        });

    it("has the stores' URLs and all other secrets, as a secret in the state", async () => {
        const { deployed } = await deploy(secretEnv);
        const { inputs, secrets, parent } = deployed.one(types.secret);
        assert.deepEqual(inputs.stringData, {
            ALIYUN_ACCESS_KEY_SECRET: "key",
            REDIS_URL: "redis://redis/0",
            MONGO_URL: "mongodb://mongo/sms",
            CLIENT_TOKENS: '{"shop":["a1","b2"]}',
        });
        assert.deepEqual([secrets, parent], [["stringData"], "env"]);
        assert.equal(deployed.resources.length, 2);
    });

    it("leaves its name to Pulumi, so that a new value creates new pods", async () => {
        const { deployed, result } = await deploy(secretEnv);
        assert.deepEqual(deployed.one(types.secret).inputs.metadata, { namespace: "sms" });
        assert.equal(deployed.one(types.secret).inputs.immutable, true);
        assert.deepEqual(await resolve(result.name), { value: "env-secret-1a2b3c4d", secret: false });
    });
});
