import assert from "node:assert/strict";
import { compare } from "../../operations/compare";
import { comparable, type Resource } from "../../operations/resources";
import { hidden, later, propertyChanges, shown, type Value } from "../../operations/values";
import { deployment, redis, urn } from "./previews";

const secretValue = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "[secret]" };
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const resource = (type: string, name: string, inputs: Value): Resource => comparable({ urn: urn(type, name), type, name, inputs });
const changed = (type: string, before: Value, after: Value) =>
    compare([resource(type, "it", before)], [resource(type, "it", after)]).map(({ operation, isByDesign, properties }) => ({
        operation,
        isByDesign,
        paths: properties.map(({ path }) => path),
    }));

describe("a branch's changes to its base", () => {
    it("are added, removed and changed resources, each property with both values", () => {
        const before = [resource(deployment, "web", { spec: { replicas: 6 } }), resource(deployment, "old", {})];
        const after = [resource(deployment, "web", { spec: { replicas: 60 } }), resource(deployment, "new", {})];
        assert.deepEqual(
            compare(before, after).map(({ name, operation, properties }) => [name, operation, properties]),
            [
                ["new", "create", []],
                ["old", "delete", []],
                ["web", "update", [{ path: "spec.replicas", from: "6", to: "60" }]],
            ],
        );
    });

    it("are replacements if the provider would replace, and by design or not", () => {
        assert.deepEqual(changed(redis, { vswitchId: "a", zoneId: "a" }, { vswitchId: "a", zoneId: "a" })[0]?.operation, "same");
        const mongo = "alicloud:mongodb/instance:Instance";
        assert.deepEqual(changed(mongo, { zoneId: "a" }, { zoneId: "b" }), [
            { operation: "replace", isByDesign: false, paths: ["zoneId"] },
        ]);
        const named = { metadata: { name: "job-1", annotations: { "pulumi.com/autonamed": "true" } } };
        assert.deepEqual(changed("kubernetes:batch/v1:Job", { ...named, spec: { template: 1 } }, { ...named, spec: { template: 2 } }), [
            { operation: "replace", isByDesign: true, paths: ["spec.template"] },
        ]);
        assert.equal(changed(deployment, { spec: { selector: { a: "1" } } }, { spec: { selector: { a: "2" } } })[0]?.operation, "replace");
    });

    it("include the data that a replacement loses", () => {
        const mongo = "alicloud:mongodb/instance:Instance";
        const [change] = compare([resource(mongo, "it", { zoneId: "a" })], [resource(mongo, "it", { zoneId: "b" })]);
        assert.deepEqual([change?.because, change?.lost], [["zoneId"], "the messages in it"]);
    });

    it("don't include generated names, the stack's id and unknown values", () => {
        const inputs = (chance: string) => ({
            metadata: { name: `env-${chance}`, annotations: { "pulumi.com/autonamed": "true", "sms/stack-id": chance } },
            data: shown({ url: unknown, other: secretValue }),
        });
        assert.equal(changed("kubernetes:core/v1:Secret", inputs("a"), inputs("b"))[0]?.operation, "same");
    });

    it("include the resources that name a Secret whose name changes with its content, and no others", () => {
        const side = (chance: string, key: string) => [
            resource("kubernetes:core/v1:Secret", "env-secret", {
                metadata: { name: `env-${chance}`, annotations: { "pulumi.com/autonamed": "true" } },
                immutable: true,
                stringData: { [key]: "x" },
            }),
            resource("kubernetes:core/v1:ConfigMap", "config", {
                metadata: { name: `config-${chance}`, annotations: { "pulumi.com/autonamed": "true" } },
            }),
            resource(deployment, "web", { spec: { secret: `env-${chance}`, config: `config-${chance}` } }),
        ];
        assert.deepEqual(
            compare(side("a", "OLD"), side("b", "NEW"))
                .filter(({ operation }) => operation !== "same")
                .map(({ name, operation, properties }) => [name, operation, properties.map(({ path, to }) => `${path} ${to}`)]),
            [
                ["env-secret", "replace", ["stringData.NEW x", "stringData.OLD undefined"]],
                ["web", "update", ["spec.secret env-secret-… (replaced)"]],
            ],
        );
    });

    it("show new code by the image's name, also in the pods that will run it", () => {
        const side = (tag: string) => [
            resource("docker:index/image:Image", "image", { imageName: `sms:${tag}` }),
            resource(deployment, "web", { spec: { containers: [{ name: "sms-web", image: later }] } }),
        ];
        assert.deepEqual(
            compare(side("a"), side("b")).map(({ name, properties }) => [name, properties]),
            [
                ["image", [{ path: "imageName", from: "sms:a", to: "sms:b" }]],
                ["web", [{ path: "spec.containers[sms-web].image", from: "sms:a", to: "sms:b" }]],
            ],
        );
    });
});

describe("a property", () => {
    it("hides all secrets, and values whose names suggest a secret", () => {
        assert.deepEqual(
            shown({
                a: [{ b: secretValue }],
                redisPassword: "x",
                env: [
                    { name: "API_KEY", value: "y" },
                    { name: "PORT", value: "80" },
                ],
            }),
            {
                a: [{ b: hidden }],
                redisPassword: hidden,
                env: [
                    { name: "API_KEY", value: hidden },
                    { name: "PORT", value: "80" },
                ],
            },
        );
    });

    it("is matched by name in lists, so that a new item in between changes no other", () => {
        const list = (...names: string[]) => ({ env: names.map((name) => ({ name, value: name })) });
        assert.deepEqual(propertyChanges(list("A", "C"), list("A", "B", "C")), [{ path: "env[B]", to: '{"name":"B","value":"B"}' }]);
        assert.deepEqual(propertyChanges({ apps: ["a", "c"] }, { apps: ["a", "b", "c"] }), [{ path: "apps[b]", to: "b" }]);
        assert.deepEqual(propertyChanges({ args: ["a", "b"] }, { args: ["b", "a"] }), [
            { path: "args", from: '["a","b"]', to: '["b","a"]' },
        ]);
        assert.deepEqual(propertyChanges({ ports: [1, 2] }, { ports: [1] }), [{ path: "ports[1]", from: "2" }]);
    });
});
