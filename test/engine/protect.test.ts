import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { losses, type Preview, readPreview } from "../../operations/changes";
import { type Engine, throwAwayEngine } from "../../operations/engine";
import { clone } from "../../toolchain/places";

/** A program with a registry in the stand-in's cloud, created as the product's program does. */
const program = `
import { Provider } from "@pulumi/alicloud/provider";
import { AcrRegistry } from "./components/registry";

const { NAMESPACE: namespace = "", PROTECT } = process.env;
const names = { instanceId: "cri-1", instanceName: "one", region: "cn-hangzhou", namespace, repository: "sms", username: "robot" };
const provider = new Provider("alibaba", { region: "cn-hangzhou" });
if (namespace !== "") {
    new AcrRegistry("registry", { ...names, password: "", protect: PROTECT === "true" }, { provider });
}
`;

describe("a protected resource, by the real engine", () => {
    const folder = mkdtempSync(join(tmpdir(), "sms-protect-"));
    const project = join(folder, "project");
    let engine: Engine;

    /** Runs a command on the stack. Returns its preview, and whether it failed. */
    async function run(command: string, env: Record<string, string>, ...args: string[]): Promise<Preview & { failed: boolean }> {
        const log = join(folder, "events.json");
        rmSync(log, { force: true });
        const { failed } = await execa(engine.command, [command, "--stack", "dev", "--non-interactive", "--event-log", log, ...args], {
            cwd: project,
            env: { ...engine.env, ...env, ALICLOUD_ACCESS_KEY: "key", PULUMI_DEBUG_COMMANDS: "true" },
            reject: false,
        });
        return { failed, ...readPreview(readFileSync(log, "utf8")) };
    }

    before(async () => {
        engine = await throwAwayEngine(folder);
        mkdirSync(project);
        mkdirSync(join(folder, "cloud"));
        writeFileSync(join(folder, "cloud", "given.json"), JSON.stringify({ registries: ["cri-1"] }));
        for (const linked of ["node_modules", "components", "settings", "register.cjs", "tsconfig.json", "package.json"]) {
            symlinkSync(join(clone, linked), join(project, linked));
        }
        writeFileSync(join(project, "index.ts"), program);
        writeFileSync(join(project, "Pulumi.yaml"), readFileSync(join(clone, "Pulumi.yaml")));
        await execa(engine.command, ["stack", "init", "dev", "--non-interactive"], { env: engine.env, cwd: project });
        const { failed, errors } = await run("up", { NAMESPACE: "sms", PROTECT: "true" }, "--yes", "--skip-preview");
        assert.ok(!failed, errors.join("\n"));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it("is not replaced: a renamed namespace of a registry does not delete images, and the preview shows what it would do", async () => {
        const { failed, kept, errors } = await run("preview", { NAMESPACE: "team", PROTECT: "true" });
        const lost = "every image in it, also those that pods run and `rollback` goes back to";
        assert.deepEqual(
            [failed, kept, errors],
            [
                true,
                [
                    { name: "registry-namespace", lost },
                    { name: "registry-repository", lost },
                ],
                [],
            ],
        );
    });

    it("is not deleted, by an up or by a destroy", async () => {
        for (const [command, env] of [
            ["preview", { PROTECT: "true" }],
            ["destroy", {}],
        ] as const) {
            const args = command === "destroy" ? ["--yes", "--skip-preview"] : [];
            const { failed, kept, errors } = await run(command, env, ...args);
            assert.ok(failed);
            assert.ok(
                kept.some(({ name }) => name === "registry-repository"),
                `${command}: ${errors.join("\n")}`,
            );
        }
    });

    it("is replaced with a warning, and deleted, after an up has removed the protection", async () => {
        assert.ok(!(await run("up", { NAMESPACE: "sms" }, "--yes", "--skip-preview")).failed);
        const preview = await run("preview", { NAMESPACE: "team" });
        assert.ok(!preview.failed, preview.errors.join("\n"));
        assert.deepEqual(
            losses(preview.changes).map(({ name, operation }) => `${operation} ${name}`),
            ["replace registry-namespace", "replace registry-repository"],
        );
        const { failed, errors } = await run("up", {}, "--yes", "--skip-preview");
        assert.ok(!failed, errors.join("\n"));
    });
});
