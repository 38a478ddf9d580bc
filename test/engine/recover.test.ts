import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { pulumiCommand } from "../../toolchain/commands";
import { Copy } from "./copy";

const passphrase = "correct horse battery staple";

describe("npm run recover, by the real engine", () => {
    let copy: Copy;
    let pulumi: (args: string[], input?: string) => Promise<string>;
    const locks = () => join(copy.folder, "state/.pulumi/locks/organization/sms/test");
    const held = () => (existsSync(locks()) ? readdirSync(locks()).filter((file) => file.endsWith(".json")) : []);
    const recover = (...args: string[]) =>
        copy.run("recover", ["--stack", "test", ...args], { PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_SKIP_UPDATE_CHECK: "true" });

    before("a stack", async () => {
        copy = Copy.make();
        const command = await pulumiCommand();
        const env = {
            PULUMI_HOME: join(copy.folder, "home"),
            PULUMI_BACKEND_URL: `file://${join(copy.folder, "state")}`,
            PULUMI_CONFIG_PASSPHRASE: passphrase,
            PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
            PULUMI_SKIP_UPDATE_CHECK: "true",
        };
        pulumi = async (args, input = "") =>
            (await execa(command, [...args, "--stack", "test"], { cwd: copy.path("."), env, input })).stdout;
        await pulumi(["stack", "init", "--non-interactive"]);
    });
    after(() => copy.remove());

    /** Creates the lock file that a killed `up` leaves. */
    function lock(): void {
        mkdirSync(locks(), { recursive: true });
        const content = { pid: 4711, username: "ann", hostname: "runner-7", timestamp: "2026-11-29T09:00:00.5Z" };
        writeFileSync(join(locks(), "f00.json"), JSON.stringify(content));
    }

    it("finds no lock if there is none, and leaves none", async () => {
        const { exitCode, output } = await recover();
        assert.equal(exitCode, 0, output);
        assert.match(output, /Nobody holds the lock of test\./);
        assert.deepEqual(held(), []);
    });

    it("names the holder of the lock, and keeps the lock until the user confirms that the holder has ended", async () => {
        lock();
        const { exitCode, output } = await recover();
        assert.equal(exitCode, 1, output);
        assert.match(output, /The lock of test is held by process 4711 of ann on runner-7, since 2026-11-29T09:00:00Z\./);
        assert.deepEqual(held(), ["f00.json"]);
    });

    it("releases the lock and clears the pending operations with --yes", async () => {
        lock();
        const type = "alicloud:kvstore/instance:Instance";
        const urn = `urn:pulumi:test::sms::${type}::redis-instance`;
        // `stack import` does not import pending operations.
        const file = join(copy.folder, "state/.pulumi/stacks/sms/test.json");
        const state = JSON.parse(readFileSync(file, "utf8"));
        state.checkpoint.latest.pending_operations = [{ type: "creating", resource: { urn, type, custom: true, inputs: {} } }];
        writeFileSync(file, JSON.stringify(state));
        lock();
        const { exitCode, output } = await recover("--yes");
        assert.equal(exitCode, 0, output);
        assert.match(
            output,
            /The lock is released\.[\s\S]*pulumi import alicloud:kvstore\/instance:Instance redis-instance ID --stack test/,
        );
        assert.deepEqual(held(), []);
        assert.equal(JSON.parse(await pulumi(["stack", "export"])).deployment.pending_operations, undefined);
    });
});
