import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { stackFileAt } from "../../operations/stackFile";
import { queues } from "../../settings/queues";
import { plainSchema, secretSchema } from "../../settings/schema";
import { stackFileSchema } from "../../settings/stackFileSchema";

describe("the JSON schema of stack files", () => {
    const stacks = ["local", "online", "test"];
    const schema = () => JSON.parse(readFileSync("settings/stack-file.schema.json", "utf8"));
    const file = (stack: string) => stackFileAt(`Pulumi.${stack}.yaml`);

    it("is up to date with the settings", () => {
        assert.deepEqual(
            schema(),
            stackFileSchema(),
            "settings/stack-file.schema.json is not in step with the settings: run npm run schema",
        );
    });

    it("has every key, and which ones are secrets", () => {
        const { properties } = schema().properties.config;
        assert.deepEqual(
            Object.keys(properties).sort(),
            [...Object.keys(plainSchema.shape), ...Object.keys(secretSchema.shape)].map((key) => `sms:${key}`).sort(),
        );
        for (const key of ["registryPassword", "redisPassword", "redisUrl", "mongoPassword", "mongoUrl", "logsAccessKeySecret"]) {
            assert.deepEqual(properties[`sms:${key}`].required, ["secure"], key);
        }
        assert.deepEqual(properties["sms:secretEnv"].additionalProperties.required, ["secure"]);
    });

    it("has the app's queues", () => {
        const [, names = ""] = /^QueueName = Literal\[(.*)\]$/m.exec(readFileSync("app/sms/settings.py", "utf8")) ?? [];
        assert.deepEqual([...queues], JSON.parse(`[${names}]`));
    });

    it("has ranges, choices and defaults for editors", () => {
        const { properties } = schema().properties.config;
        assert.deepEqual(properties["sms:web"].properties.nodePort, {
            default: 31090,
            type: "integer",
            minimum: 30000,
            maximum: 32767,
            description: "a whole number from 30000 to 32767, without quotes",
        });
        assert.deepEqual(properties["sms:workerPools"].additionalProperties.properties.concurrency, {
            type: "integer",
            minimum: 1,
            maximum: 256,
            description: "a whole number from 1 to 256, without quotes",
        });
        assert.deepEqual(properties["sms:environment"].examples, ["online"]);
        assert.deepEqual(properties["sms:beat"].properties.replicas.not, {});
    });

    for (const stack of stacks) {
        it(`is named by Pulumi.${stack}.yaml`, () => {
            const [first] = readFileSync(`Pulumi.${stack}.yaml`, "utf8").split("\n");
            assert.equal(first, "# yaml-language-server: $schema=settings/stack-file.schema.json");
        });
    }

    it("accepts a complete file, and refuses values that an editor should underline", () => {
        const validator = z.fromJSONSchema(schema());
        const local = file("local");
        assert.equal(validator.safeParse(local).error, undefined);
        for (const [key, value] of Object.entries({
            "sms:redisPassword": "in plain text",
            "sms:web": { replicas: 0 },
            "sms:wrker": {},
            "sms:redis": { kind: "managd" },
            "sms:environment": "Prod",
        })) {
            if (value !== undefined) {
                assert.ok(!validator.safeParse({ config: { ...local.config, [key]: value } }).success, key);
            }
        }
        assert.ok(validator.safeParse({ config: { ...local.config, "sms:redisPassword": { secure: "v1:abc" } } }).success);
    });
});
