import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

describe("the start of Node", () => {
    it("gives an error the line of the TypeScript that threw it", () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-register-"));
        try {
            const file = join(folder, "fails.ts");
            writeFileSync(
                file,
                'interface Gone {\n    text: string;\n}\n\nconst gone: Gone = { text: "why" };\n    throw new Error(gone.text);\n',
            );
            const { stderr } = spawnSync(process.execPath, ["-r", "./register.cjs", file], { encoding: "utf8" });
            assert.match(stderr, /Error: why\n {4}at .*fails\.ts:6:11/);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });

    it("leaves the SDK what it needs to send functions elsewhere", async () => {
        const number = 41;
        const { text } = await pulumi.runtime.serializeFunction(() => number + 1);
        assert.match(text, /number: 41[\s\S]*number \+ 1/);
    });
});
