import assert from "node:assert/strict";
import { losses, readPreview } from "../../operations/changes";
import { deployment, log, redis, replacement, step, text, urn } from "./previews";

describe("the changes of a preview", () => {
    it("have a replacement once, with the properties that cause it", () => {
        const { changes } = readPreview(log(...replacement));
        assert.deepEqual(changes, [
            {
                urn: urn(redis, "redis"),
                type: redis,
                name: "redis",
                operation: "replace",
                parent: undefined,
                because: ["zoneId"],
                properties: [{ path: "tags" }, { path: "zoneId" }],
                isByDesign: false,
                lost: "the tasks that wait in it",
            },
        ]);
    });

    it("are incomplete if the log is cut off, and that is an error", () => {
        const whole = log(step("create", deployment, "web"), step("create", redis, "redis"));
        const { changes, errors, isWhole } = readPreview(whole.slice(0, -20));
        assert.deepEqual(
            changes.map(({ name }) => name),
            ["web"],
        );
        assert.deepEqual(errors, ["The engine's log is incomplete, so further changes are unknown."]);
        assert.equal(isWhole, false);
        assert.equal(readPreview(whole).isWhole, true);
    });

    it("are unknown without a log", () => {
        assert.equal(readPreview("").isWhole, false);
    });

    it("show which replacements and deletions lose data", () => {
        const preview = readPreview(
            log(...replacement, step("delete", deployment, "web"), step("update", redis, "other"), step("delete", redis, "old")),
        );
        assert.deepEqual(
            losses(preview.changes).map(({ name, operation }) => `${operation} ${name}`),
            ["delete old", "replace redis"],
        );
    });

    it("have an error for an update of a store that the cloud would refuse, with the allowed values", () => {
        const type = "alicloud:mongodb/instance:Instance";
        const inputs = { dbInstanceClass: "mdb.x", storageType: "cloud_essd1" };
        const states = { old: { inputs, outputs: inputs }, new: { inputs: { ...inputs, storageType: "cloud_essd2" } } };
        assert.match(
            text([step("update", type, "mongo-instance", states)]),
            /\*\*Not allowed:\*\*\n- `mongo-instance`: storageType is cloud_essd2 and was cloud_essd1; allowed: cloud_essd1 or cloud_auto/,
        );
        assert.deepEqual(readPreview(log(step("create", type, "mongo-instance", { ...states, old: null }))).refused, []);
    });

    it("use the cloud's values of the store, also those that the program never set", () => {
        const type = "alicloud:mongodb/instance:Instance";
        const inputs = { dbInstanceClass: "mdb.x" };
        const states = {
            old: { inputs, outputs: { ...inputs, storageType: "cloud_essd1" } },
            new: { inputs: { ...inputs, storageType: "cloud_essd2" } },
        };
        assert.equal(readPreview(log(step("update", type, "mongo-instance", states))).refused.length, 1);
    });

    it("have instructions for a half-made store", () => {
        const halfMade = [urn(`sms:redis:Managed$${redis}`, "redis-instance")];
        assert.match(
            text([], { halfMade }),
            /`redis-instance` was created but not finished.*`npm run deploy -- --stack online` reads it .*`pulumi refresh --target 'urn:pulumi:online::sms::sms:redis:Managed\$alicloud:kvstore\/instance:Instance::redis-instance' --stack online`/,
        );
        assert.doesNotMatch(text([]), /not finished/);
    });

    it("don't call a store in the cluster lost if its claim remains", () => {
        const events = [
            step("delete", "kubernetes:apps/v1:StatefulSet", "redis-statefulset"),
            step("update", "kubernetes:core/v1:PersistentVolumeClaim", "redis-claim"),
        ];
        assert.deepEqual(losses(readPreview(log(...events)).changes), []);
        const deletion = step("delete", "kubernetes:core/v1:PersistentVolumeClaim", "mongo-claim");
        assert.deepEqual(
            losses(readPreview(log(...events, deletion)).changes).map(({ name, lost }) => `${name}: ${lost}`),
            ["mongo-claim: the data on its volume"],
        );
    });

    it("show that a load balancer's address is lost with its Service", () => {
        const service = (name: string, type: string) =>
            step("delete", "kubernetes:core/v1:Service", name, { old: { inputs: { spec: { type } } } });
        assert.deepEqual(
            losses(readPreview(log(service("web", "NodePort"), service("entrance", "LoadBalancer"))).changes).map(({ name, lost }) => [
                name,
                lost,
            ]),
            [["entrance", "the address that customers use"]],
        );
    });

    it("show that a renamed registry loses its images", () => {
        const namespace = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace";
        const repository = "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo";
        const events = [
            step("replace", namespace, "registry-namespace", { keys: ["name"] }),
            step("replace", repository, "registry-repository", { keys: ["namespace"] }),
        ];
        const images = "every image in it, also those that pods run and `rollback` goes back to";
        assert.deepEqual(
            losses(readPreview(log(...events)).changes).map(({ name, lost }) => [name, lost]),
            [
                ["registry-namespace", images],
                ["registry-repository", images],
            ],
        );
        assert.match(
            text(events),
            /> \*\*REPLACE of `registry-namespace`\*\* \(cs\.RegistryEnterpriseNamespace\) because of `name`: \*\*loses every image in it, also/,
        );
    });

    it("state that MongoDB's volume keeps its password if the setting changes", () => {
        const secret = "kubernetes:core/v1:Secret";
        for (const operation of ["replace", "update"] as const) {
            assert.match(
                text([step(operation, secret, "mongo-secret")]),
                /\*\*`sms:mongoPassword` changes\*\*.*change it in MongoDB first/,
            );
        }
        assert.doesNotMatch(text([step("create", secret, "mongo-secret"), step("replace", secret, "redis-secret")]), /mongoPassword/);
    });

    it("show which protected resources the engine refuses to delete or to replace", () => {
        const replace = `unable to replace resource "${urn(redis, "redis")}"\nas it is currently marked for protection. To unprotect the resource, remove the \`protect\` flag`;
        const part = replace.replaceAll('::redis"', '::part"').replace("\nas it", ` as part of replacing "${urn(redis, "redis")}" as it`);
        const deletion = `resource "${urn(redis, "old")}" cannot be deleted\nbecause it is protected. To unprotect the resource, either`;
        const events = [replace, part, deletion, deletion].map((message) => ({ diagnosticEvent: { severity: "error", message } }));
        const { kept, errors } = readPreview(log(...events));
        const lost = "the tasks that wait in it";
        assert.deepEqual([kept, errors], [["redis", "part", "old"].map((name) => ({ name, lost })), []]);
        assert.match(
            text(events, { succeeded: false }),
            /\*\*Not allowed:\*\*\n- `protect`: `redis` is protected, so it is neither deleted nor replaced, because that loses the tasks that wait in it. To do it on purpose: docs\/going-online\.md, "Taking it down"\n/,
        );
    });

    it("have the refusals of policies and of the engine, without the engine's colour codes", () => {
        const { violations, passed, errors } = readPreview(
            log(
                {
                    policyEvent: {
                        policyName: "probes",
                        message: "<{%reset%}>Every container has probes.\nno probe<{%reset%}>\n",
                        enforcementLevel: "mandatory",
                    },
                },
                { policyAnalyzeSummaryEvent: { passed: ["probes", "stores-private"] } },
                { policyAnalyzeStackSummaryEvent: { passed: ["one-beat"] } },
                { diagnosticEvent: { severity: "error", message: "<{%fg 1%}>broken<{%reset%}>" } },
                { diagnosticEvent: { severity: "debug", message: "noise" } },
            ),
        );
        assert.deepEqual(violations, [{ policy: "probes", message: "no probe", isMandatory: true }]);
        assert.deepEqual(passed, ["one-beat", "stores-private"]);
        assert.deepEqual(errors, ["broken"]);
    });
});
