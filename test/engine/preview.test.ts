import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPlaceholders } from "../../operations/placeholders";
import { Copy } from "./copy";

describe("npm run preview, by the real engine", () => {
    let copy: Copy;

    before(() => {
        copy = Copy.make();
    });
    after(() => copy.remove());

    it("shows the whole environment of online without a cluster, a cloud, a daemon or a key", async () => {
        const before = copy.contents();
        const file = join(copy.folder, "preview.md");
        const { exitCode, output } = await copy.run("preview", ["--stack", "online", "--markdown", file]);
        assert.equal(exitCode, 0, output);
        const told = readFileSync(file, "utf8");
        for (const what of [
            "| `redis` | 3 | Managed, `redis-account` kvstore.Account, `redis-instance` kvstore.Instance |",
            "`logs-project` log.Project",
            "`image-image` Image",
        ]) {
            assert.ok(told.includes(what), what);
        }
        assert.match(told, /\| pods \| 13 \|\n/);
        assert.match(told, /Policies: \d+ passed\./);
        assert.match(
            told,
            /Still to be set[\s\S]*`sms:registryPassword`: `pulumi config set --secret sms:registryPassword --stack online`/,
        );
        // The count equals that of the engine's own display. The terminal does not show the diagram's source.
        const [, count] = /## Preview of `online`: (\d+) to create\n/.exec(told) ?? [];
        assert.match(output, new RegExp(`\\+ ${count} to create\\n`));
        assert.match(output, new RegExp(`## Preview of \`online\`: ${count} to create\\n`));
        assert.match(told, /```mermaid\n/);
        assert.doesNotMatch(output, /mermaid|<details>|<!--/);
        assert.deepEqual(copy.contents(), before, "the clone is as it was");
        assert.deepEqual(copy.leftovers(), []);
    });

    it("shows no secret anywhere", async () => {
        const { output } = await copy.run("preview", ["--stack", "online"]);
        const secrets = Object.entries(readPlaceholders()).filter(([key]) => /Password|Url|Secret$|Authorization/.test(key));
        for (const [key, value] of secrets) {
            assert.ok(!output.includes(String(value)), key);
        }
    });

    it("shows the whole environment of test", async () => {
        const { exitCode, output } = await copy.run("preview", ["--stack", "test"]);
        assert.equal(exitCode, 0, output);
        assert.match(output, /Policies: \d+ passed\./);
    });

    it("refuses values that YAML reads differently, and accepts merged blocks and keys without sms:", async () => {
        copy.edit(
            "Pulumi.online.yaml",
            "config:\n",
            "config:\n  beat: &beat { env: { UMASK: 022, DAY: 2026-11-29 } }\n  migration: &more { timeoutSeconds: 60 }\n  keda: { <<: *more }\n",
        );
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        copy.restore("Pulumi.online.yaml");
        assert.equal(exitCode, 1, output);
        assert.match(output, /sms:beat\.env\.UMASK is 022, which YAML reads as 18; put it in quotes, or write 18\n/);
        assert.match(output, /sms:beat\.env\.DAY is 2026-11-29, which YAML reads as a time; put it in quotes\n/);
        assert.match(output, /sms:keda\.timeoutSeconds is not known/);
        assert.match(output, /\b3 problems in the settings of stack online/);
    });

    it("names an unreadable stack file, without a stack trace", async () => {
        copy.edit("Pulumi.online.yaml", "config:\n", "<<<<<<< HEAD\nconfig:\n");
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        copy.restore("Pulumi.online.yaml");
        assert.equal(exitCode, 1, output);
        assert.match(output, /^Pulumi\.online\.yaml, line \d+: a conflict marker of git$/m);
        assert.doesNotMatch(output, /\n\s+at /);
    });

    it("refuses everything that policies forbid, all together", async () => {
        copy.edit("components/podTemplate.ts", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false");
        copy.edit("components/web.ts", "livenessProbe: {", "startupProbe: {");
        copy.edit("components/beat.ts", 'strategy: { type: "Recreate" }', 'strategy: { type: "RollingUpdate" }');
        copy.edit("components/managedRedis.ts", "securityIps: ", 'securityIps: ["0.0.0.0/0"] as string[] || ');
        copy.edit("components/managedMongo.ts", "protect: args.protect", "protect: false");
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        for (const file of ["podTemplate", "web", "beat", "managedRedis", "managedMongo"]) {
            copy.restore(`components/${file}.ts`);
        }
        assert.equal(exitCode, 1, output);
        assert.match(output, /## Preview of `online`: \*\*refused\*\*/);
        for (const policy of ["restricted-pods", "probes", "beat-alone", "stores-whitelist", "data-protected"]) {
            assert.match(output, new RegExp(`- \`${policy}\`: `), policy);
        }
        assert.match(output, /Redis redis-instance admits 0\.0\.0\.0\/0, which is everybody/);
        assert.deepEqual(copy.leftovers(), []);
    });

    it("judges a stack by its environment, not by its name", async () => {
        const open = "sms:networkPolicies: { enabled: false }";
        const online = copy.read("Pulumi.online.yaml").replace('sms:protect: "true"', `sms:protect: false\n  ${open}`);
        writeFileSync(copy.path("Pulumi.prod.yaml"), online);
        const prod = await copy.run("preview", ["--stack", "prod"]);
        assert.equal(prod.exitCode, 1, prod.output);
        assert.match(prod.output, /- `namespaces-closed`: Namespace sms has no NetworkPolicy that denies all/);
        const { lines } = /(?<lines>(?:- `data-protected`: .*\n)+)/.exec(prod.output)?.groups ?? {};
        assert.equal(lines?.split("\n").length, 9 + 1, prod.output);
        writeFileSync(copy.path("Pulumi.online-copy.yaml"), copy.read("Pulumi.test.yaml"));
        const testing = await copy.run("preview", ["--stack", "online-copy"]);
        assert.equal(testing.exitCode, 0, testing.output);
        assert.match(testing.output, /Policies: \d+ passed\./);
    });

    it("refuses a stack with two beats", async () => {
        copy.edit("index.ts", 'new Beat("beat"', 'new Beat("second", { ...settings.beat, app }, inCluster);\nnew Beat("beat"');
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        copy.restore("index.ts");
        assert.equal(exitCode, 1, output);
        assert.match(output, /- `one-beat`: The stack has 2 beats/);
    });

    it("refuses a secret that appears in plain text, and names the place", async () => {
        copy.edit("index.ts", "return {", 'return { leaked: require("@pulumi/pulumi").unsecret(settings.registry.account?.password),');
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        copy.restore("index.ts");
        assert.equal(exitCode, 1, output);
        assert.match(output, /- `secrets-as-secrets`: sms:registryPassword appears in plain text in sms-online/);
    });

    it("shows every fault of a stack file, with its remedy and without a stack trace", async () => {
        copy.edit("Pulumi.online.yaml", "replicas: 6", "replicas: -6");
        copy.edit("Pulumi.online.yaml", "nodePort: 31090", "nodePort: 80");
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        copy.restore("Pulumi.online.yaml");
        assert.equal(exitCode, 1, output);
        assert.match(output, /sms:web\.replicas is -6; allowed/);
        assert.match(output, /sms:web\.nodePort is 80; allowed/);
        assert.doesNotMatch(output, /\n\s+at .*\.(ts|js):\d+/);
    });

    it("ignores variables that are exported for other stacks, and accepts a stack's whole name", async () => {
        const exported = { PULUMI_CONFIG_PASSPHRASE: "of another stack", PULUMI_STACK: "another", PULUMI_BACKEND_URL: "s3://another" };
        const { exitCode, output } = await copy.run("preview", ["--stack", "organization/sms/test"], exported);
        assert.equal(exitCode, 0, output);
        assert.match(output, /^## Preview of `test`: \d+ to create$/m);
    });

    it("accepts no placeholder with --strict", async () => {
        const { exitCode, output } = await copy.run("preview", ["--stack", "online", "--strict"]);
        assert.equal(exitCode, 1);
        assert.match(output, /Pulumi\.online\.yaml is not complete:[\s\S]*sms:cluster\.id is missing/);
        assert.doesNotMatch(output, /Previewing/);
    });

    it("prints its usage", async () => {
        assert.match((await copy.run("preview", [])).output, /required option '-s, --stack <name>' not specified/);
        assert.match(
            (await copy.run("preview", ["--stack", "online", "--stat"])).output,
            /unknown option '--stat'\n\(Did you mean --state\?\)/,
        );
    });
});
