import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
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

    it("gives V8's coverage the source map of the TypeScript", () => {
        const folder = mkdtempSync(join(tmpdir(), "sms-register-"));
        try {
            const file = join(folder, "counted.ts");
            writeFileSync(file, "interface Gone {}\n\nexport const one: number = 1;\n");
            const counts = join(folder, "counts");
            spawnSync(process.execPath, ["-r", "./register.cjs", file], { env: { ...process.env, NODE_V8_COVERAGE: counts } });
            const [written = ""] = readdirSync(counts);
            const { "source-map-cache": maps } = JSON.parse(readFileSync(join(counts, written), "utf8"));
            const { href } = pathToFileURL(file);
            assert.deepEqual(maps?.[href]?.data.sources, [href]);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });

    // If one of these two fails with a later SDK, register.cjs can lose the part: docs/decisions/0062-start-compared.md.
    it("loads the SDK without the TypeScript compiler and npm's tree", () => {
        const print = 'require("@pulumi/pulumi"); process.stdout.write(Object.keys(require.cache).join("\\n"))';
        const { stdout } = spawnSync(process.execPath, ["-r", "./register.cjs", "-e", print], { encoding: "utf8" });
        const files = stdout.split("\n");
        assert.ok(files.some((file) => file.includes("@pulumi/pulumi/runtime/")));
        assert.deepEqual(
            files.filter((file) => /\/typescript\.js$|\/arborist\/lib\/arborist\//.test(file)),
            [],
        );
    });

    it("records no stack of a promise", () => {
        const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
        const promise = Promise.resolve();
        debuggablePromise(promise);
        assert.match(`${(promise as { _debugStackTrace?: string })._debugStackTrace}`, /^Error(: )?$/);
    });

    it("keeps the data that the SDK needs to serialize functions", async () => {
        const number = 41;
        const { text } = await pulumi.runtime.serializeFunction(() => number + 1);
        assert.match(text, /number: 41[\s\S]*number \+ 1/);
    });
});
