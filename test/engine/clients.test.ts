import assert from "node:assert/strict";
import { execa } from "execa";
import { hashOf } from "../../operations/tokens";
import { parseStackFile, stackFileText } from "../../settings/stackFile";
import { pulumiCommand } from "../../toolchain/commands";
import { Copy } from "./copy";

const passphrase = "correct horse battery staple";

describe("npm run clients, by the real engine", () => {
    let copy: Copy;
    let tokens: string[] = [];
    const clients = (...args: string[]) => copy.run("clients", [...args, "--stack", "online"], { PULUMI_CONFIG_PASSPHRASE: passphrase });

    before(async () => {
        copy = Copy.make();
        const { exitCode, output } = await copy.run("stack:init", ["online"], { PULUMI_CONFIG_PASSPHRASE: passphrase });
        assert.equal(exitCode, 0, output);
        assert.match(output, /sms:clientTokens\.shop is missing[\s\S]*npm run clients -- rotate shop --stack online/);
    });
    after(() => copy.remove());

    const hashesOf = async (client: string) =>
        (
            await execa(await pulumiCommand(), ["config", "get", "--path", `sms:clientTokens.${client}`, "--stack", "online"], {
                cwd: copy.path("."),
                env: { PULUMI_CONFIG_PASSPHRASE: passphrase, PULUMI_BACKEND_URL: `file://${copy.folder}/state` },
            })
        ).stdout;

    async function given(...args: string[]): Promise<string> {
        const { exitCode, output } = await clients(...args);
        assert.equal(exitCode, 0, output);
        const [token = ""] = /^ {2}(sms_[\w-]{43})$/m.exec(output)?.slice(1) ?? [];
        assert.notEqual(token, "", output);
        tokens = [...tokens, token];
        return token;
    }

    it("adds a client with its limits and a token", async () => {
        const token = await given("add", "other", "--messages-per-day", "50");
        assert.equal(await hashesOf("other"), hashOf(token));
        const { config } = parseStackFile(copy.read("Pulumi.online.yaml"));
        assert.deepEqual((config["sms:clients"] as Record<string, object>).other, { requestsPerMinute: 600, messagesPerDay: 50 });
    });

    it("rotates: the newest token and the previous one are valid, and no third", async () => {
        const [first, second, third] = [await given("rotate", "shop"), await given("rotate", "shop"), await given("rotate", "shop")];
        assert.notEqual(first, second);
        assert.equal(await hashesOf("shop"), `${hashOf(third)},${hashOf(second)}`);
    });

    it("revokes the previous token, and all", async () => {
        const newest = tokens.at(-1) as string;
        assert.equal((await clients("revoke", "shop", "--previous")).exitCode, 0);
        assert.equal(await hashesOf("shop"), hashOf(newest));
        assert.equal((await clients("revoke", "shop")).exitCode, 0);
        assert.equal(await hashesOf("shop"), "none");
    });

    it("leaves no readable token or hash in the file, and the program accepts the file", async () => {
        const file = copy.read("Pulumi.online.yaml");
        for (const token of tokens) {
            assert.ok(!file.includes(token) && !file.includes(hashOf(token)));
        }
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        assert.equal(exitCode, 0, output);
        assert.match(output, /sms:clientTokens\.shop is encrypted; a placeholder stands in/);
    });

    for (const [what, args, reason] of [
        ["a client that is there already", ["add", "shop"], /has the client shop already/],
        ["one that isn't there", ["revoke", "nobody"], /has no client nobody; it has shop, other/],
        ["a name that is none", ["add", "Shop.1"], /a client's name of lower-case letters/],
    ] as const) {
        it(`refuses ${what}, and changes nothing`, async () => {
            const before = copy.read("Pulumi.online.yaml");
            const { exitCode, output } = await clients(...args);
            assert.equal(exitCode, 1, output);
            assert.match(output, reason);
            assert.equal(copy.read("Pulumi.online.yaml"), before);
        });
    }

    it("refuses a preview of online without a client", async () => {
        const { encryptionsalt, config } = parseStackFile(copy.read("Pulumi.online.yaml"));
        const { "sms:clients": _, "sms:clientTokens": __, "sms:formerClient": ___, ...rest } = config;
        const openToAnybody = (isOpen: boolean) =>
            copy.write("Pulumi.online.yaml", stackFileText({ encryptionsalt, config: { ...rest, "sms:openToAnybody": isOpen } }));
        openToAnybody(false);
        const { exitCode, output } = await copy.run("preview", ["--stack", "online"]);
        assert.equal(exitCode, 1, output);
        assert.match(output, /sms:clients is missing; allowed: one or more clients that may send/);
        // The setting makes the product open, and the policies refuse that.
        openToAnybody(true);
        const open = await copy.run("preview", ["--stack", "online"]);
        assert.equal(open.exitCode, 1, open.output);
        assert.match(open.output, /Deployment sms-web: container sms-web is open to anybody/);
    });
});
