import assert from "node:assert/strict";
import { clone, OperationError } from "../../operations/operation";
import { complete, readPlaceholders } from "../../operations/placeholders";
import { readStackFile } from "../../operations/stackFile";

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
