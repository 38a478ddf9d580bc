import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { pulumiCommand } from "../../machine/commands";
import { passwordFault } from "../../settings/credentials";
import { Copy } from "./copy";

const passphrase = "correct horse battery staple";

describe("npm run stack:init, by the real engine", () => {
    let copy: Copy;
    let env: Record<string, string>;
    const spied = () => readFileSync(join(copy.folder, "arguments"), "utf8");
    const init = (more: Record<string, string | undefined> = {}) => copy.run("stack:init", ["online"], { ...env, ...more });

    /** Every argument that `pulumi` is given goes into a file, as anybody could see it in the process list. */
    before(async () => {
        copy = Copy.make();
        const bin = join(copy.folder, "bin");
        mkdirSync(bin);
        const spy = join(bin, "pulumi");
        writeFileSync(spy, `#!/bin/sh\necho "$@" >> '${join(copy.folder, "arguments")}'\nexec '${await pulumiCommand()}' "$@"\n`);
        chmodSync(spy, 0o755);
        env = { PATH: `${bin}:${process.env.PATH}`, PULUMI_CONFIG_PASSPHRASE: passphrase };
    });
    after(() => copy.remove());

    const secretOf = async (key: string) =>
        (
            await execa(await pulumiCommand(), ["config", "get", key, "--stack", "online"], {
                cwd: copy.path("."),
                env: { PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_BACKEND_URL: `file://${join(copy.folder, "state")}` },
            })
        ).stdout;

    it("refuses an empty and a weak passphrase, and asks nobody where nobody is, before anything is made", async () => {
        const before = copy.read("Pulumi.online.yaml");
        for (const [given, reason] of [
            ["", /protects nothing: it is empty/],
            ["weak", /protects nothing: it has fewer than 16 characters/],
            [undefined, /Nobody is here to ask/],
        ] as const) {
            const { exitCode, output } = await init({ PULUMI_CONFIG_PASSPHRASE: given });
            assert.equal(exitCode, 1, output);
            assert.match(output, reason);
        }
        assert.equal(copy.read("Pulumi.online.yaml"), before);
    });

    it("makes the stack with passwords that Alibaba Cloud takes, and says what is still to be set", async () => {
        const { exitCode, output } = await init();
        assert.equal(exitCode, 0, output);
        assert.match(output, /Stack online is made\./);
        assert.match(output, /sms:redisPassword: made up and encrypted/);
        assert.match(
            output,
            /Still to be set in Pulumi\.online\.yaml:[\s\S]*sms:cluster\.id is missing[\s\S]*sms:registryPassword is missing/,
        );
        const [redis, mongo] = [await secretOf("sms:redisPassword"), await secretOf("sms:mongoPassword")];
        assert.deepEqual([passwordFault(redis), passwordFault(mongo)], [undefined, undefined]);
        assert.notEqual(redis, mongo);
        for (const secret of [redis, mongo, passphrase]) {
            assert.ok(!output.includes(secret), "in the output");
            assert.ok(!spied().includes(secret), "in an argument");
            assert.ok(!copy.read("Pulumi.online.yaml").includes(secret), "in the stack file");
        }
        assert.match(spied(), /config set --secret sms:redisPassword/);
    });

    it("keeps the comments of the file", () => {
        assert.match(copy.read("Pulumi.online.yaml"), /# Nodes and pods in here may connect to the stores, and nobody else\./);
    });

    it("changes nothing when it is run again", async () => {
        const before = copy.read("Pulumi.online.yaml");
        const { exitCode, output } = await init();
        assert.equal(exitCode, 0, output);
        assert.match(output, /Stack online is in the backend already\./);
        assert.doesNotMatch(output, /made up/);
        assert.equal(copy.read("Pulumi.online.yaml"), before);
    });

    it("knows the stack by its whole name too", async () => {
        const { exitCode, output } = await copy.run("stack:init", ["organization/sms/online"], env);
        assert.equal(exitCode, 0, output);
        assert.match(output, /Stack organization\/sms\/online is in the backend already\./);
        assert.match(output, /Still to be set in Pulumi\.online\.yaml/);
    });

    it("refuses another passphrase than the one that the secrets are encrypted with", async () => {
        const { exitCode, output } = await init({ PULUMI_CONFIG_PASSPHRASE: "another horse battery staple" });
        assert.equal(exitCode, 1, output);
        assert.match(output, /not the passphrase that the stack's secrets are encrypted with/);
    });

    it("makes a file whose preview needs no passphrase", async () => {
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        assert.equal(exitCode, 0, output);
        assert.match(output, /sms:redisPassword is encrypted; a placeholder stands in/);
    });

    it("says that there is no backend", async () => {
        const { output } = await init({ PULUMI_BACKEND_URL: "file:///nowhere" });
        assert.match(output, /Pulumi has no backend to keep the state in/);
    });
});
