import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isMissing, problemsIn } from "../../operations/stackFile";
import { parseStackFile, rawSettings } from "../../settings/stackFile";

describe("docs/own-cluster.md", () => {
    it("shows a stack file that lacks only its passwords", () => {
        const [, text = ""] = /```yaml\n([\s\S]*?)```/.exec(readFileSync("docs/own-cluster.md", "utf8")) ?? [];
        const problems = problemsIn(rawSettings("dev", parseStackFile(text)));
        assert.deepEqual(
            problems.map(({ key }) => key),
            ["sms:registryPassword", "sms:redisPassword", "sms:mongoPassword", "sms:clientTokens.local"],
        );
        assert.ok(problems.every(isMissing));
    });
});
