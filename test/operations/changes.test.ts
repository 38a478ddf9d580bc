import assert from "node:assert/strict";
import { losses, readPreview } from "../../operations/changes";
import { type ReportArgs, report, shortType } from "../../operations/report";

const urn = (type: string, name: string) => `urn:pulumi:online::sms::${type}::${name}`;
const redis = "alicloud:kvstore/instance:Instance";
const deployment = "kubernetes:apps/v1:Deployment";

function step(op: string, type: string, name: string, more: object = {}) {
    return { resourcePreEvent: { metadata: { op, type, urn: urn(type, name), old: null, new: {}, ...more } } };
}

/** As the engine writes it: one event a line. */
function log(...events: object[]): string {
    return `${events.map((event) => JSON.stringify(event)).join("\n")}\n`;
}

function text(events: object[], more: Partial<ReportArgs> = {}): string {
    const preview = readPreview(log(...events));
    return report({
        stack: "online",
        preview,
        dependencies: {},
        against: "state",
        missing: [],
        leaks: [],
        halfMade: [],
        succeeded: true,
        ...more,
    });
}

/** The engine tells a replacement three times. */
const replacement = [
    step("create-replacement", redis, "redis", { keys: ["zoneId"] }),
    step("replace", redis, "redis", { keys: ["zoneId"], detailedDiff: { zoneId: {}, tags: {} } }),
    step("delete-replaced", redis, "redis", { keys: ["zoneId"] }),
];

describe("what a preview changes", () => {
    it("counts a replacement once, with what makes it necessary", () => {
        const { changes } = readPreview(log(...replacement));
        assert.deepEqual(changes, [
            {
                urn: urn(redis, "redis"),
                type: redis,
                name: "redis",
                operation: "replace",
                parent: undefined,
                because: ["zoneId"],
                lost: "the tasks that wait in it",
            },
        ]);
    });

    it("is only partly known where the log is cut off, and that is an error", () => {
        const whole = log(step("create", deployment, "web"), step("create", redis, "redis"));
        const { changes, errors, isWhole } = readPreview(whole.slice(0, -20));
        assert.deepEqual(
            changes.map(({ name }) => name),
            ["web"],
        );
        assert.deepEqual(errors, ["The engine's log breaks off: what else would change is not known."]);
        assert.equal(isWhole, false);
        assert.equal(readPreview(whole).isWhole, true);
    });

    it("is not known without a log", () => {
        assert.equal(readPreview("").isWhole, false);
    });

    it("knows which replacements and deletions lose data", () => {
        const preview = readPreview(
            log(...replacement, step("delete", deployment, "web"), step("update", redis, "other"), step("delete", redis, "old")),
        );
        assert.deepEqual(
            losses(preview).map(({ name, operation }) => `${operation} ${name}`),
            ["replace redis", "delete old"],
        );
    });

    it("refuses an update of a store that the cloud would refuse, with what is allowed", () => {
        const type = "alicloud:mongodb/instance:Instance";
        const inputs = { dbInstanceClass: "mdb.x", storageType: "cloud_essd1" };
        const states = { old: { inputs, outputs: inputs }, new: { inputs: { ...inputs, storageType: "cloud_essd2" } } };
        assert.match(
            text([step("update", type, "mongo-instance", states)]),
            /\*\*Not allowed:\*\*\n- `mongo-instance`: storageType is cloud_essd2 and was cloud_essd1; allowed: cloud_essd1 or cloud_auto/,
        );
        assert.deepEqual(readPreview(log(step("create", type, "mongo-instance", { ...states, old: null }))).refused, []);
    });

    it("says what to do about a store that was made and not finished", () => {
        const halfMade = [urn(`sms:redis:Managed$${redis}`, "redis-instance")];
        assert.match(
            text([], { halfMade }),
            /`redis-instance` was made but not finished.*`npm run deploy -- --stack online` reads it .*`pulumi refresh --target 'urn:pulumi:online::sms::sms:redis:Managed\$alicloud:kvstore\/instance:Instance::redis-instance' --stack online`/,
        );
        assert.doesNotMatch(text([]), /not finished/);
    });

    it("calls no store in the cluster lost whose claim stays", () => {
        const events = [
            step("delete", "kubernetes:apps/v1:StatefulSet", "redis-statefulset"),
            step("update", "kubernetes:core/v1:PersistentVolumeClaim", "redis-claim"),
        ];
        assert.deepEqual(losses(readPreview(log(...events))), []);
        const deletion = step("delete", "kubernetes:core/v1:PersistentVolumeClaim", "mongo-claim");
        assert.deepEqual(
            losses(readPreview(log(...events, deletion))).map(({ name, lost }) => `${name}: ${lost}`),
            ["mongo-claim: the data on its volume"],
        );
    });

    it("knows that a load balancer's address goes with its Service", () => {
        const service = (name: string, type: string) =>
            step("delete", "kubernetes:core/v1:Service", name, { old: { inputs: { spec: { type } } } });
        assert.deepEqual(
            losses(readPreview(log(service("web", "NodePort"), service("entrance", "LoadBalancer")))).map(({ name, lost }) => [name, lost]),
            [["entrance", "the address that customers use"]],
        );
    });

    it("knows that a registry that is renamed takes its images along, and says so", () => {
        const namespace = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace";
        const repository = "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo";
        const events = [
            step("replace", namespace, "registry-namespace", { keys: ["name"] }),
            step("replace", repository, "registry-repository", { keys: ["namespace"] }),
        ];
        const images = "every image in it, also those that pods run and `rollback` goes back to";
        assert.deepEqual(
            losses(readPreview(log(...events))).map(({ name, lost }) => [name, lost]),
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

    it("says that MongoDB's volume keeps its password where the setting changes", () => {
        const secret = "kubernetes:core/v1:Secret";
        for (const operation of ["replace", "update"] as const) {
            assert.match(
                text([step(operation, secret, "mongo-secret")]),
                /\*\*`sms:mongoPassword` changes\*\*.*change it in MongoDB first/,
            );
        }
        assert.doesNotMatch(text([step("create", secret, "mongo-secret"), step("replace", secret, "redis-secret")]), /mongoPassword/);
    });

    it("knows what the engine refuses to delete or to replace, as it is protected", () => {
        const replace = `unable to replace resource "${urn(redis, "redis")}"\nas it is currently marked for protection. To unprotect the resource, remove the \`protect\` flag`;
        const part = replace.replaceAll('::redis"', '::part"').replace("\nas it", ` as part of replacing "${urn(redis, "redis")}" as it`);
        const deletion = `resource "${urn(redis, "old")}" cannot be deleted\nbecause it is protected. To unprotect the resource, either`;
        const events = [replace, part, deletion, deletion].map((message) => ({ diagnosticEvent: { severity: "error", message } }));
        const { kept, errors } = readPreview(log(...events));
        const lost = "the tasks that wait in it";
        assert.deepEqual([kept, errors], [["redis", "part", "old"].map((name) => ({ name, lost })), []]);
        assert.match(
            text(events, { succeeded: false }),
            /\*\*Not allowed:\*\*\n- `protect`: `redis` is neither deleted nor replaced, as that loses the tasks that wait in it; on purpose: docs\/going-online\.md, "Taking it down"\n/,
        );
    });

    it("reads what policies and the engine refuse, without the engine's marks for colours", () => {
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

describe("the report", () => {
    it("begins with the marker by which the next one finds it", () => {
        assert.match(text([]), /^<!-- sms preview of online -->\n\n## Preview of `online`: no changes\n/);
    });

    it("shouts what would lose data, first of all, and says why", () => {
        const told = text([step("update", deployment, "web"), ...replacement]);
        assert.match(told, /## Preview of `online`: 1 to update, 1 to \*\*REPLACE\*\*\n\n> \[!CAUTION\]\n> \*\*REPLACE of `redis`\*\*/);
        assert.match(told, /because of `zoneId`: \*\*loses the tasks that wait in it\.\*\*/);
        assert.ok(
            told.indexOf("| +- **REPLACE** | kvstore.Instance | 1 | `redis` |") < told.indexOf("| ~ update | Deployment | 1 | `web` |"),
        );
    });

    it("leaves out what doesn't change, and components, which only group", () => {
        const told = text([step("same", deployment, "web"), step("create", "sms:web:Web", "web"), step("create", deployment, "worker")]);
        assert.match(told, /: 1 to create\n/);
        assert.match(told, /\| \+ create \| Deployment \| 1 \| `worker` \|/);
        assert.doesNotMatch(told, /\| `web` \|/);
    });

    it("lists what isn't allowed, and says that it is refused", () => {
        const violation = { policyEvent: { policyName: "probes", message: "web has no probe", enforcementLevel: "mandatory" } };
        const told = text([violation], { succeeded: false, leaks: ["sms:redisUrl comes out in plain"] });
        assert.match(told, /: \*\*refused\*\*/);
        assert.match(told, /\*\*Not allowed:\*\*\n- `probes`: web has no probe\n- `secrets-as-secrets`: sms:redisUrl comes out in plain/);
    });

    it("says what is still to be set, with the command", () => {
        const missing = [{ key: "sms:cluster.id", message: "is missing", fix: "pulumi config set --path 'sms:cluster.id' c123" }];
        assert.match(text([], { missing }), /Still to be set[\s\S]*- `sms:cluster.id`: `pulumi config set --path 'sms:cluster.id' c123`/);
    });

    it("draws components as boxes, and an arrow to what a box needs", () => {
        const web = urn("sms:web:Web", "web");
        const events = [
            step("same", "sms:web:Web", "web"),
            step("update", deployment, "web-deployment", { new: { parent: web } }),
            step("create", redis, "redis"),
            step("same", "kubernetes:core/v1:Namespace", "namespace"),
            step("same", "pulumi:providers:docker", "default_5_2_0"),
        ];
        const needed = [urn(redis, "redis"), urn("kubernetes:core/v1:Namespace", "namespace")];
        const told = text(events, { dependencies: { [urn(deployment, "web-deployment")]: needed } });
        const picture = /```mermaid\n([\s\S]*?)\n {4}classDef/.exec(told)?.[1];
        assert.equal(
            picture,
            [
                "flowchart LR",
                '    subgraph r0["web"]',
                '        r1["web-deployment<br/><i>Deployment</i>"]:::update',
                "    end",
                '    r2["redis<br/><i>kvstore.Instance</i>"]:::create',
                '    r3["namespace<br/><i>Namespace</i>"]:::same',
                "    r0 --> r2",
            ].join("\n"),
        );
    });

    it("stays below what a comment may be, and gives up the picture first", () => {
        const events = Array.from({ length: 700 }, (_, i) => step("create", deployment, `deployment-with-a-long-name-${i}`));
        const told = text(events);
        assert.ok(told.length < 65_536);
        assert.doesNotMatch(told, /mermaid/);
    });

    it("calls types as people do", () => {
        assert.deepEqual([redis, deployment, "docker:index/image:Image"].map(shortType), ["kvstore.Instance", "Deployment", "Image"]);
    });
});
