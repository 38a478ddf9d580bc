import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { QueueLengths } from "../../components/queueLengths";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

const authenticationType = "kubernetes:keda.sh/v1alpha1:TriggerAuthentication";

describe("KEDA's view of the queues", () => {
    const of = (url: string) => () => new QueueLengths("queue-lengths", { namespace: "sms", redisUrl: pulumi.secret(url) });
    const queueLengths = of("redis://sms:p%40ss%2Fword@redis.example.com:6380/2");

    it("is a Secret and a TriggerAuthentication that names its keys", async () => {
        const { deployed } = await deploy(queueLengths);
        assert.deepEqual(deployed.listed(), [
            "queue-lengths (sms:queueLengths:QueueLengths)",
            `queue-lengths-authentication (${authenticationType})`,
            "queue-lengths-secret (kubernetes:core/v1:Secret)",
        ]);
        const { inputs, parent } = deployed.one(authenticationType);
        assert.deepEqual([deployed.one(types.secret).parent, parent], ["queue-lengths", "queue-lengths"]);
        assert.deepEqual(inputs, {
            apiVersion: "keda.sh/v1alpha1",
            kind: "TriggerAuthentication",
            metadata: { name: "sms-redis", namespace: "sms" },
            spec: {
                secretTargetRef: ["address", "username", "password", "tls"].map((parameter) => ({
                    parameter,
                    name: "queue-lengths-secret-1a2b3c4d",
                    key: parameter,
                })),
            },
        });
    });

    it("has the parts of Redis' URL in a Secret whose name changes with it; only the database's number is not secret", async () => {
        const { deployed, result } = await deploy(queueLengths);
        const { inputs, secrets } = deployed.one(types.secret);
        assert.deepEqual(inputs.stringData, { address: "redis.example.com:6380", username: "sms", password: "p@ss/word", tls: "disable" });
        assert.deepEqual([secrets, inputs.immutable, inputs.metadata], [["stringData"], true, { namespace: "sms" }]);
        assert.deepEqual(await resolve(result.databaseIndex), { value: "2", secret: false });
        assert.deepEqual(await resolve(result.authentication), { value: "sms-redis", secret: false });
    });

    it("passes on the authority for Redis' certificate", async () => {
        const { deployed } = await deploy(
            () => new QueueLengths("queue-lengths", { namespace: "sms", redisUrl: "rediss://sms:secret@redis.example.com", ca: "PEM" }),
        );
        assert.equal(deployed.one(types.secret).inputs.stringData.ca, "PEM");
        const { secretTargetRef } = deployed.one("kubernetes:keda.sh/v1alpha1:TriggerAuthentication").inputs.spec;
        assert.deepEqual(secretTargetRef.at(-1), { parameter: "ca", name: "queue-lengths-secret-1a2b3c4d", key: "ca" });
    });

    it("supports TLS, and the defaults of a short URL", async () => {
        const { deployed, result } = await deploy(of("rediss://sms:secret@redis.example.com"));
        const { address, tls } = deployed.one(types.secret).inputs.stringData;
        assert.deepEqual([address, tls], ["redis.example.com:6379", "enable"]);
        assert.equal((await resolve(result.databaseIndex)).value, "0");
    });
});
