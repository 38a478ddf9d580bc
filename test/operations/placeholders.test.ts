import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExpectedFailure } from "../../cli/failure";
import { OperationError } from "../../operations/operation";
import { complete, readPlaceholders } from "../../operations/placeholders";
import { readStackFile } from "../../operations/stackFile";
import { parseStackFile } from "../../settings/stackFile";
import { clone } from "../../toolchain/places";

const placeholders = readPlaceholders();
const committed = (stack: string) => readStackFile(clone, stack);

describe("a stack file with placeholders", () => {
    for (const stack of ["online", "test"]) {
        it(`has all settings that ${stack} needs, without other faults`, () => {
            const { problems, missing } = complete(stack, committed(stack), placeholders);
            assert.deepEqual(problems, []);
            assert.ok(missing.length > 0);
        });
    }

    it("keeps the file's values", () => {
        const config = { ...committed("online").config, "sms:cluster": { context: "mine" } };
        const { missing, config: completed } = complete("online", { config }, placeholders);
        assert.deepEqual(completed["sms:cluster"], { context: "mine" });
        assert.ok(!missing.some(({ key }) => key.startsWith("sms:cluster")));
    });

    it("replaces encrypted values, which it can't read, and names them", () => {
        const secure = { secure: "v1:abc" };
        const config = { ...committed("online").config, "sms:registryPassword": secure, "sms:secretEnv": { KEY: secure } };
        const { sealed, secrets, problems, missing, config: completed } = complete("online", { config }, placeholders);
        assert.deepEqual(Object.keys(sealed), ["sms:registryPassword", "sms:secretEnv.KEY"]);
        assert.equal(secrets["sms:registryPassword"], "Placeholder-Registry-1");
        assert.equal(secrets["sms:secretEnv.KEY"], "Placeholder-Secret-1");
        assert.equal(completed["sms:secretEnv"], undefined);
        assert.ok(!missing.some(({ key }) => key === "sms:registryPassword"));
        assert.deepEqual(problems, []);
    });

    it("replaces secret variables that are encrypted as one text", () => {
        const config = { ...committed("online").config, "sms:secretEnv": { secure: "v1:abc" } };
        const { sealed, secrets, problems } = complete("online", { config }, placeholders);
        assert.deepEqual(problems, []);
        assert.deepEqual(Object.keys(sealed), ["sms:secretEnv"]);
        assert.equal(secrets["sms:secretEnv.PLACEHOLDER"], "Placeholder-Secret-1");
    });

    it("keeps the other values of a block that is written as one text", () => {
        const { registry, ...rest } = { registry: { server: "registry.example.com" } };
        const config = { ...committed("test").config, ...rest, "sms:registry": JSON.stringify(registry) };
        const { config: completed, missing, problems } = complete("test", { config }, placeholders);
        assert.deepEqual(problems, []);
        assert.deepEqual(completed["sms:registry"], { server: "registry.example.com", username: "placeholder" });
        assert.ok(missing.some(({ key }) => key === "sms:registry.username"));
    });

    it("doesn't hide values that YAML reads differently", () => {
        const file = parseStackFile("config: { sms:env: { UMASK: 022 }, sms:web: { replicas: 0 } }");
        const problems = complete("online", file, placeholders).problems.filter(({ key }) => /UMASK|replicas/.test(key));
        assert.deepEqual(problems[0], {
            key: "sms:env.UMASK",
            message: "is 022, which YAML reads as 18; put it in quotes, or write 18",
            fix: 'write "022" in Pulumi.online.yaml',
        });
        assert.equal(problems[1]?.key, "sms:web.replicas");
    });

    it("is refused with its name if it can't be read", () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-file-"));
        writeFileSync(join(folder, "Pulumi.broken.yaml"), "config:\n\tsms:web: {}\n");
        assert.throws(() => readStackFile(folder, "broken"), {
            constructor: ExpectedFailure,
            message: "Pulumi.broken.yaml, line 2: a tab at the beginning of the line",
        });
        rmSync(folder, { recursive: true });
    });

    it("hides no fault", () => {
        const config = { ...committed("online").config, "sms:web": { replicas: -1 }, "sms:registryPassword": "in plain" };
        const { problems } = complete("online", { config }, placeholders);
        assert.ok(problems.some(({ key }) => key === "sms:web.replicas"));
        assert.ok(problems.some(({ key, message }) => key === "sms:registryPassword" && /plain text/.test(message)));
    });

    it("is recognisable: no placeholder could be a real value", () => {
        for (const [key, value] of Object.entries(placeholders)) {
            const isPlainlyMadeUp = /placeholder|^0+$/i.test(String(value)) || key === "sms:alibaba.region";
            assert.ok(isPlainlyMadeUp, key);
        }
    });

    it("is refused for a stack without a file, with the names of stacks that have one", () => {
        assert.throws(
            () => committed("prod"),
            (error) => error instanceof OperationError && /no Pulumi.prod.yaml; there are files for .*online/.test(error.message),
        );
    });
});
