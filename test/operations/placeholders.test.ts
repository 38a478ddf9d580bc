import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExpectedFailure } from "../../cli/failure";
import { clone, OperationError } from "../../operations/operation";
import { complete, readPlaceholders } from "../../operations/placeholders";
import { readStackFile } from "../../operations/stackFile";
import { parseStackFile } from "../../settings/stackFile";

const placeholders = readPlaceholders();
const committed = (stack: string) => readStackFile(clone, stack);

describe("a stack file with placeholders", () => {
    for (const stack of ["online", "test"]) {
        it(`has all that ${stack} needs, and nothing else is wrong with it`, () => {
            const { problems, missing } = complete(stack, committed(stack), placeholders);
            assert.deepEqual(problems, []);
            assert.ok(missing.length > 0);
        });
    }

    it("keeps what the file says", () => {
        const config = { ...committed("online").config, "sms:cluster": { context: "mine" } };
        const { missing, config: completed } = complete("online", { config }, placeholders);
        assert.deepEqual(completed["sms:cluster"], { context: "mine" });
        assert.ok(!missing.some(({ key }) => key.startsWith("sms:cluster")));
    });

    it("stands in for encrypted values, which it can't read, and says for which", () => {
        const secure = { secure: "v1:abc" };
        const config = { ...committed("online").config, "sms:registryPassword": secure, "sms:secretEnv": { KEY: secure } };
        const { sealed, secrets, problems, missing, config: completed } = complete("online", { config }, placeholders);
        assert.deepEqual(sealed, ["sms:registryPassword", "sms:secretEnv.KEY"]);
        assert.equal(secrets["sms:registryPassword"], "Placeholder-Registry-1");
        assert.equal(secrets["sms:secretEnv.KEY"], "Placeholder-Secret-1");
        assert.equal(completed["sms:secretEnv"], undefined);
        assert.ok(!missing.some(({ key }) => key === "sms:registryPassword"));
        assert.deepEqual(problems, []);
    });

    it("stands in for secret variables that are encrypted as one text", () => {
        const config = { ...committed("online").config, "sms:secretEnv": { secure: "v1:abc" } };
        const { sealed, secrets, problems } = complete("online", { config }, placeholders);
        assert.deepEqual(problems, []);
        assert.deepEqual(sealed, ["sms:secretEnv"]);
        assert.equal(secrets["sms:secretEnv.PLACEHOLDER"], "Placeholder-Secret-1");
    });

    it("keeps what a block says that stands in one text", () => {
        const { registry, ...rest } = { registry: { server: "registry.example.com" } };
        const config = { ...committed("test").config, ...rest, "sms:registry": JSON.stringify(registry) };
        const { config: completed, missing, problems } = complete("test", { config }, placeholders);
        assert.deepEqual(problems, []);
        assert.deepEqual(completed["sms:registry"], { server: "registry.example.com", username: "placeholder" });
        assert.ok(missing.some(({ key }) => key === "sms:registry.username"));
    });

    it("hides nothing that YAML reads otherwise than it is written", () => {
        const file = parseStackFile("config: { sms:env: { UMASK: 022 }, sms:web: { replicas: 0 } }");
        const problems = complete("online", file, placeholders).problems.filter(({ key }) => /UMASK|replicas/.test(key));
        assert.deepEqual(problems[0], {
            key: "sms:env.UMASK",
            message: "is 022, which YAML reads as 18; put it in quotes, or write 18",
            fix: 'write "022" in Pulumi.online.yaml',
        });
        assert.equal(problems[1]?.key, "sms:web.replicas");
    });

    it("is refused by its name where it can't be read", () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-file-"));
        writeFileSync(join(folder, "Pulumi.broken.yaml"), "config:\n\tsms:web: {}\n");
        assert.throws(() => readStackFile(folder, "broken"), {
            constructor: ExpectedFailure,
            message: "Pulumi.broken.yaml, line 2: a tab at the beginning of the line",
        });
        rmSync(folder, { recursive: true });
    });

    it("hides no mistake", () => {
        const config = { ...committed("online").config, "sms:web": { replicas: -1 }, "sms:registryPassword": "in plain" };
        const { problems } = complete("online", { config }, placeholders);
        assert.ok(problems.some(({ key }) => key === "sms:web.replicas"));
        assert.ok(problems.some(({ key, message }) => key === "sms:registryPassword" && /plain text/.test(message)));
    });

    it("is plainly made up: no placeholder could be anybody's", () => {
        for (const [key, value] of Object.entries(placeholders)) {
            const isPlainlyMadeUp = /placeholder/i.test(String(value)) || key === "sms:alibaba.region";
            assert.ok(isPlainlyMadeUp, key);
        }
    });

    it("is refused for a stack without a file, with those that have one", () => {
        assert.throws(
            () => committed("prod"),
            (error) => error instanceof OperationError && /no Pulumi.prod.yaml; there are files for .*online/.test(error.message),
        );
    });
});
