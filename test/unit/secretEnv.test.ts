import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { SecretEnv } from "../../components/secretEnv";
import { deploy, resolve, types } from "./deployed";

describe("the secret environment", () => {
    const secretEnv = () =>
        new SecretEnv("env", {
            namespace: "sms",
            redisUrl: "redis://redis/0",
            mongoUrl: pulumi.secret("mongodb://mongo/sms"),
            more: { ALIYUN_ACCESS_KEY_SECRET: "key" },
        });

    it("holds the stores' URLs and whatever else is secret, as a secret in the state", async () => {
        const { deployed } = await deploy(secretEnv);
        const { inputs, secrets, parent } = deployed.one(types.secret);
        assert.deepEqual(inputs.stringData, {
            ALIYUN_ACCESS_KEY_SECRET: "key",
            REDIS_URL: "redis://redis/0",
            MONGO_URL: "mongodb://mongo/sms",
        });
        assert.deepEqual([secrets, parent], [["stringData"], "env"]);
        assert.equal(deployed.resources.length, 2);
    });

    it("leaves its name to Pulumi, so that pods with a new value are new pods", async () => {
        const { deployed, result } = await deploy(secretEnv);
        assert.deepEqual(deployed.one(types.secret).inputs.metadata, { namespace: "sms" });
        assert.equal(deployed.one(types.secret).inputs.immutable, true);
        assert.deepEqual(await resolve(result.name), { value: "env-secret-1a2b3c4d", secret: false });
    });
});
