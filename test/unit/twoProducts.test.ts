import assert from "node:assert/strict";
import { types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { completed, testSecrets } from "../../lab/fixtures/stackFile";
import { problemsOf, settingsOf } from "./smallest";

describe("two products", () => {
    const product = (changes: Record<string, string>) => runProgram("test", { ...completed("test"), ...changes }, testSecrets);
    const names = [types.redisInstance, types.mongoInstance] as const;

    it("in one account are distinguished by the names and tags of their instances", async () => {
        const { deployed } = await product({ name: "shop", namespace: "shop" });
        const [redis, mongo] = names.map((type) => deployed.one(type).inputs);
        assert.deepEqual([redis?.dbInstanceName, mongo?.name], ["shop-test", "shop-test"]);
        assert.deepEqual(
            [redis?.tags, mongo?.tags],
            [
                { product: "shop", environment: "test" },
                { product: "shop", environment: "test" },
            ],
        );
    });

    it("are called sms by default", async () => {
        const { deployed } = await product({});
        const [redis, mongo] = names.map((type) => deployed.one(type).inputs);
        assert.deepEqual([redis?.dbInstanceName, mongo?.name, mongo?.tags.product], ["sms-test", "sms-test", "sms"]);
        assert.equal(settingsOf().name, "sms");
    });

    it("in one cluster are distinguished by their namespaces: neither has an object outside its own", async () => {
        const monitoring = JSON.stringify({ kind: "operator" });
        const serviceAccount = JSON.stringify({ ramRole: "shop-pods" });
        const { deployed } = await product({ name: "shop", namespace: "shop", monitoring, serviceAccount });
        const outside = deployed.resources
            .filter(({ type }) => type.startsWith("kubernetes:"))
            .filter(({ inputs }) => inputs.metadata.namespace !== "shop")
            .map(({ type, inputs }) => `${type} ${inputs.metadata.name}`);
        assert.deepEqual(outside, [`${types.namespace} shop`]);
    });

    const allowed = "allowed: a name of lower-case letters, digits and -, with a letter at its beginning, 16 characters at most";
    for (const name of ["Shop", "7shop", "shop-", "shop.eu", "a".repeat(17)]) {
        it(`are not called ${name}`, () => {
            assert.deepEqual(problemsOf({ name }), [`sms:name is "${name}"; ${allowed} | pulumi config set sms:name sms --stack online`]);
        });
    }
});
