import assert from "node:assert/strict";
import { deadReport, report, shortType, terminalReport } from "../../operations/report";
import { deployment, documentOf, redis, replacement, step, text, urn } from "./previews";

const job = "kubernetes:batch/v1:Job";
const secret = "kubernetes:core/v1:Secret";
const autonamed = { metadata: { name: "preparation-job-1a2b", annotations: { "pulumi.com/autonamed": "true" } } };
const run = { commit: "0123456789abcdef0123456789abcdef01234567", url: "https://github.com/o/r/actions/runs/9" };

describe("the report", () => {
    it("begins with the marker by which it is found again, and ends with commit, run and time", () => {
        const told = report(documentOf([]), run);
        assert.match(told, /^<!-- sms preview of online -->\n\n## Preview of `online`: no changes\n/);
        assert.match(
            told,
            /<sub>Commit `0123456789ab` · \[run\]\(https:\/\/github\.com\/o\/r\/actions\/runs\/9\) · 2026-11-29 16:20 UTC<\/sub>\n$/,
        );
    });

    it("shows first in capitals what would lose data, with the reason", () => {
        const told = text([step("update", deployment, "web"), ...replacement]);
        assert.match(told, /## Preview of `online`: 1 to update, 1 to \*\*REPLACE\*\*\n\n> \[!CAUTION\]\n> \*\*REPLACE of `redis`\*\*/);
        assert.match(told, /because of `zoneId`: \*\*loses the tasks that wait in it\.\*\*/);
        assert.ok(told.includes("| +- **REPLACE** |  | 1 | `redis` kvstore.Instance |"), told);
    });

    it("counts replacements by design separately, without capitals", () => {
        const anew = (type: string, name: string) =>
            step("replace", type, name, { keys: ["spec"], old: { inputs: autonamed }, new: { inputs: autonamed } });
        const named = { inputs: { metadata: { name: "registry" } } };
        const told = text([
            anew(job, "preparation-job"),
            anew(secret, "env-secret"),
            step("replace", secret, "pull-secret", { keys: ["type"], old: named, new: named }),
        ]);
        assert.match(told, /: 2 to replace by design, 1 to \*\*REPLACE\*\*\n/);
        assert.ok(told.includes("| +- replace by design |  | 2 | `env-secret` Secret, `preparation-job` Job |"), told);
        assert.ok(told.includes("| +- **REPLACE** |  | 1 | `pull-secret` Secret |"), told);
    });

    it("has each changed property of an update with both values, with secrets hidden and long values cut", () => {
        const hiddenValue = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "[secret]" };
        const inputs = (replicas: number, url: string, long: string) => ({
            inputs: { spec: { replicas, env: [{ name: "URL", value: url }], nested: { deep: [hiddenValue] }, long } },
        });
        const start = "x".repeat(100);
        const told = text([
            step("update", deployment, "web", {
                old: inputs(6, "redis://sms:old@host/0", `${start}one`),
                new: inputs(60, "redis://sms:new@other/0", `${start}two`),
            }),
        ]);
        assert.ok(
            told.includes("- ~ update `web` Deployment\n    - `spec.env[URL].value`: `redis://…@host/0` → `redis://…@other/0`\n"),
            told,
        );
        assert.ok(told.includes("    - `spec.long`: `…xxxxone` → `…xxxxtwo`\n"), told);
        assert.ok(told.includes("    - `spec.replicas`: `6` → `60`\n"), told);
        assert.doesNotMatch(told, /nested|ciphertext|sms:old/);
    });

    it("has the engine's numbers, and leaves out unchanged resources", () => {
        const web = urn("sms:web:Web", "web");
        const told = text([
            step("same", deployment, "other"),
            step("create", "pulumi:providers:docker", "default_5_2_0"),
            step("create", "sms:web:Web", "web"),
            step("create", deployment, "web-deployment", { new: { parent: web } }),
        ]);
        assert.match(told, /: 2 to create\n/);
        assert.ok(told.includes("| + create | `web` | 2 | Web, `web-deployment` Deployment |"), told);
        assert.doesNotMatch(told, /`other`/);
    });

    it("is the same for any order of the engine's events", () => {
        const events = ["b", "a", "c"].map((name) => step("create", deployment, name));
        assert.equal(text(events), text([...events].reverse()));
    });

    it("lists refused changes, and says that they are refused", () => {
        const violation = { policyEvent: { policyName: "probes", message: "web has no probe", enforcementLevel: "mandatory" } };
        const told = text([violation], { succeeded: false, leaks: ["sms:redisUrl appears in plain text"] });
        assert.match(told, /: \*\*refused\*\*/);
        assert.match(
            told,
            /\*\*Not allowed:\*\*\n- `probes`: web has no probe\n- `secrets-as-secrets`: sms:redisUrl appears in plain text/,
        );
    });

    it("lists the missing settings, with the commands", () => {
        const missing = [{ key: "sms:cluster.id", message: "is missing", fix: "pulumi config set --path 'sms:cluster.id' c123" }];
        assert.match(text([], { missing }), /Still to be set[\s\S]*- `sms:cluster.id`: `pulumi config set --path 'sms:cluster.id' c123`/);
    });

    it("draws a box for each component with its changes, and no arrow if other arrows already lead there", () => {
        const web = urn("sms:web:Web", "web");
        const events = [
            step("same", "sms:web:Web", "web"),
            step("update", deployment, "web-deployment", { new: { parent: web } }),
            step("create", redis, "redis"),
            step("same", secret, "env"),
            step("same", "kubernetes:core/v1:Namespace", "namespace"),
            step("same", "pulumi:providers:docker", "default_5_2_0"),
        ];
        const dependencies = {
            [urn(secret, "env")]: [urn(redis, "redis")],
            [urn(deployment, "web-deployment")]: [
                urn(redis, "redis"),
                urn(secret, "env"),
                urn("kubernetes:core/v1:Namespace", "namespace"),
            ],
        };
        const picture = /```mermaid\n([\s\S]*?)\n {4}classDef/.exec(text(events, { dependencies }))?.[1];
        assert.equal(
            picture,
            [
                "flowchart LR",
                '    c0["env"]:::same',
                '    c1["redis<br/>+ 1"]:::create',
                '    c2["web<br/>~ 1"]:::update',
                "    c0 --> c2",
                "    c1 --> c0",
            ].join("\n"),
        );
    });

    it("has no diagram source, no comment and no HTML at a terminal", () => {
        assert.doesNotMatch(terminalReport(documentOf([step("create", redis, "redis")])), /mermaid|<!--|<details>|<sub>/);
    });

    it("has the resources before and after, and the classes' sizes", () => {
        const sidecar = { restartPolicy: "Always", resources: { requests: { cpu: "0.1" } } };
        const once = { resources: { requests: { cpu: "4" } } };
        const pod = (memory: string) => ({
            spec: {
                initContainers: [sidecar, once],
                containers: [{ resources: { requests: { cpu: "0.1", memory }, limits: { memory } } }],
            },
        });
        const inputs = (replicas: number, memory: string) => ({
            inputs: { metadata: { name: "sms-worker" }, spec: { replicas, template: pod(memory) } },
        });
        const mongo = (dbInstanceStorage: number) => ({
            inputs: { dbInstanceClass: "mdb.shard.2x.large.c", replicationFactor: 3, dbInstanceStorage },
        });
        const told = text([
            step("update", deployment, "worker", { old: inputs(6, "256Mi"), new: inputs(60, "32Gi") }),
            step("update", "alicloud:mongodb/instance:Instance", "mongo", { old: mongo(20), new: mongo(3000) }),
            step("same", redis, "redis", {
                old: { inputs: { instanceClass: "redis.unheard.of" } },
                new: { inputs: { instanceClass: "redis.unheard.of" } },
            }),
        ]);
        for (const line of [
            "| **pods** | 6 | **60** |",
            "| **requested cpu, cores** | 1.2 | **12** |",
            "| **requested memory** | 1.5Gi | **1920Gi** |",
            "| Redis | redis.unheard.of | redis.unheard.of |",
            "| **MongoDB** | 3 nodes of mdb.shard.2x.large.c (2 cores and 4 GB), each with 20 GB of storage | **3 nodes of mdb.shard.2x.large.c (2 cores and 4 GB), each with 3000 GB of storage** |",
        ]) {
            assert.ok(told.includes(line), `${line} in ${told}`);
        }
    });

    it("stays below the limit of a comment, and drops the diagram first", () => {
        const events = Array.from({ length: 900 }, (_, i) => step("create", deployment, `deployment-with-a-long-name-${i}`));
        const told = text(events);
        assert.ok(told.length < 65_536);
        assert.doesNotMatch(told, /mermaid/);
    });

    it("says if there are no changes", () => {
        assert.equal(
            deadReport("online", "it was cut off.", run),
            "<!-- sms preview of online -->\n\n## Preview of `online`: **no result**\n\nThe preview of `0123456789ab` ended without a report: it was cut off. What it would change isn't known; [its run](https://github.com/o/r/actions/runs/9) says why.\n",
        );
    });

    it("has readable names of types", () => {
        assert.deepEqual([redis, deployment, "docker:index/image:Image"].map(shortType), ["kvstore.Instance", "Deployment", "Image"]);
    });
});
