import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { passwordFault } from "../../settings/credentials";
import { pulumiCommand } from "../../toolchain/commands";
import { clone } from "../../toolchain/places";
import { Copy } from "./copy";

const passphrase = "correct horse battery staple";

describe("npm run stack:init, by the real engine", () => {
    let copy: Copy;
    let env: Record<string, string>;
    const spied = () => readFileSync(join(copy.folder, "arguments"), "utf8");
    const init = (more: Record<string, string | undefined> = {}) => copy.run("stack:init", ["online"], { ...env, ...more });

    /** Records every argument of `pulumi` in a file, because the process list shows arguments. */
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

    it("refuses an empty and a weak passphrase, and asks nothing without a terminal, before any change", async () => {
        const before = copy.read("Pulumi.online.yaml");
        for (const [given, reason] of [
            ["", /is too weak: it is empty/],
            ["weak", /is too weak: it has fewer than 16 characters/],
            [undefined, /There is no terminal to ask/],
        ] as const) {
            const { exitCode, output } = await init({ PULUMI_CONFIG_PASSPHRASE: given });
            assert.equal(exitCode, 1, output);
            assert.match(output, reason);
        }
        assert.equal(copy.read("Pulumi.online.yaml"), before);
    });

    it("creates the stack with passwords that Alibaba Cloud accepts, and lists the missing settings", async () => {
        const { exitCode, output } = await init();
        assert.equal(exitCode, 0, output);
        assert.match(output, /Stack online is created\./);
        assert.match(output, /sms:redisPassword: generated and encrypted/);
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

    it("leaves the file unchanged except for its additions", () => {
        const lines = (text: string) => text.split("\n");
        const [before, after] = [readFileSync(join(clone, "Pulumi.online.yaml"), "utf8"), copy.read("Pulumi.online.yaml")].map(lines);
        const added = (after ?? []).filter((line) => !before?.includes(line));
        assert.deepEqual(
            (after ?? []).filter((line) => !added.includes(line)),
            before,
        );
        assert.deepEqual(
            added.map((line) => line.replace(/: v1:.*/, "")),
            ["  sms:redisPassword:", "    secure", "  sms:mongoPassword:", "    secure", "encryptionsalt"],
        );
    });

    it("leaves a file that pulumi config set changes only in the set value", async () => {
        const before = copy.read("Pulumi.online.yaml");
        await execa(await pulumiCommand(), ["config", "set", "--path", "sms:web.nodePort", "31095", "--stack", "online"], {
            cwd: copy.path("."),
            env: { PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_BACKEND_URL: `file://${join(copy.folder, "state")}` },
        });
        const after = copy.read("Pulumi.online.yaml");
        writeFileSync(copy.path("Pulumi.online.yaml"), before);
        assert.equal(after, before.replace("nodePort: 31090", "nodePort: 31095"));
    });

    it("changes nothing when it is run again", async () => {
        const before = copy.read("Pulumi.online.yaml");
        const { exitCode, output } = await init();
        assert.equal(exitCode, 0, output);
        assert.match(output, /Stack online is in the backend already\./);
        assert.doesNotMatch(output, /generated and encrypted/);
        assert.equal(copy.read("Pulumi.online.yaml"), before);
    });

    it("accepts the stack's whole name, too", async () => {
        const { exitCode, output } = await copy.run("stack:init", ["organization/sms/online"], env);
        assert.equal(exitCode, 0, output);
        assert.match(output, /Stack organization\/sms\/online is in the backend already\./);
        assert.match(output, /Still to be set in Pulumi\.online\.yaml/);
    });

    it("refuses a passphrase that differs from the one of the secrets", async () => {
        const { exitCode, output } = await init({ PULUMI_CONFIG_PASSPHRASE: "another horse battery staple" });
        assert.equal(exitCode, 1, output);
        assert.match(output, /not the passphrase that the stack's secrets are encrypted with/);
    });

    it("creates a file whose preview needs no passphrase", async () => {
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        assert.equal(exitCode, 0, output);
        assert.match(output, /sms:redisPassword is encrypted; a placeholder stands in/);
    });

    it("reports that there is no backend", async () => {
        const { output } = await init({ PULUMI_BACKEND_URL: "file:///nowhere" });
        assert.match(output, /Pulumi has no backend for the state/);
    });
});
