import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "@pulumi/alicloud/package.json";
import { execa } from "execa";
import { end } from "../../machine/alicloud-provider/processes";
import { fillsOf } from "../../machine/alicloud-provider/table";
import { pulumiCommand } from "../../machine/commands";
import { readAgain } from "../../machine/halfMade";
import { ensurePackages } from "../../machine/host";
import { writeStandIn } from "../../machine/stack";
import { built } from "../../machine/toolchain";
import { readPreview } from "../../operations/changes";
import { Copy } from "./copy";

const redisType = "alicloud:kvstore/instance:Instance";
const mongoType = "alicloud:mongodb/instance:Instance";

/** Both stores as the program makes them for `test`, in a stack of their own. */
const program = `
require("../register.cjs");
const pulumi = require("@pulumi/pulumi");
const { Provider } = require("@pulumi/alicloud/provider");
const { ManagedMongo } = require("../components/managedMongo");
const { ManagedRedis } = require("../components/managedRedis");
const provider = new Provider("alibaba", { region: "cn-hangzhou" });
const args = {
    instanceName: "sms-test", engineVersion: "7.0", zone: "cn-hangzhou-h", protect: false, tags: { product: "sms" },
    network: { vpcId: "vpc-there", vSwitches: [{ id: "vsw-there", zone: "cn-hangzhou-h", cidr: "10.1.0.0/24" }] },
    password: pulumi.secret("Passw0rd!"), backup: { days: ["Sunday"], from: "19:00Z" }, maintenance: { from: "18:00Z" },
};
new ManagedRedis("redis", { ...args, instanceClass: "redis.shard.small.2.ce", account: "sms" }, { provider });
new ManagedMongo(
    "mongo",
    { ...args, instanceClass: "mdb.shard.2x.large.c", storageGb: 20, storageType: "cloud_essd1", nodes: 3, backupsAfterDeletion: "none" },
    { provider },
);
`;

describe("A store that was made and not finished, by the real engine", () => {
    let copy: Copy;
    let cloud: string;
    let pulumi: (args: readonly string[], how?: { reject?: boolean }) => Promise<{ stdout: string; exitCode?: number }>;
    const trouble = (of: object) => writeFileSync(join(cloud, "trouble.json"), JSON.stringify(of));
    const up = ["up", "--yes", "--skip-preview", "--non-interactive"];

    before(async () => {
        await ensurePackages("tests");
        await built("ferretdb");
        copy = Copy.make();
        cloud = join(copy.folder, "cloud");
        const plugin = join(copy.folder, "home/plugins", `resource-alicloud-v${version}`);
        for (const folder of [cloud, plugin, copy.path("stores")]) {
            mkdirSync(folder, { recursive: true });
        }
        writeStandIn(plugin, "alicloud");
        const vSwitches = [{ id: "vsw-there", vpcId: "vpc-there", zoneId: "cn-hangzhou-h", cidrBlock: "10.1.0.0/24" }];
        writeFileSync(join(cloud, "given.json"), JSON.stringify({ vSwitches }));
        writeFileSync(
            copy.path("stores/Pulumi.yaml"),
            "name: stores\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.js\n",
        );
        writeFileSync(copy.path("stores/index.js"), program);
        const command = await pulumiCommand();
        const env = {
            PULUMI_HOME: join(copy.folder, "home"),
            PULUMI_BACKEND_URL: `file://${join(copy.folder, "state")}`,
            PULUMI_CONFIG_PASSPHRASE: "correct horse battery staple",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            PULUMI_DEBUG_COMMANDS: "true",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
            TMPDIR: join(copy.folder, "tmp"),
            SMS_CLOUD_FOLDER: cloud,
            ALICLOUD_ACCESS_KEY: "key",
            ALICLOUD_SECRET_KEY: "secret",
        };
        pulumi = async (args, { reject = true } = {}) => {
            const { stdout, all, exitCode } = await execa(command, [...args, "--stack", "test"], {
                cwd: copy.path("stores"),
                env,
                reject,
                all: true,
            });
            return { stdout: args[0] === "stack" ? stdout : all, exitCode };
        };
        await pulumi(["stack", "init", "--non-interactive"]);
    });
    after(async () => {
        for (const id of [...idsOf(redisType), ...idsOf(mongoType)]) {
            await end(id);
        }
        copy.remove();
    });

    /** What the cloud has of the type. */
    function idsOf(type: string): string[] {
        const folder = join(cloud, "holdings", type.replaceAll(/[:/]/g, "."));
        return readdirSync(folder).map((file) => file.replace(".json", ""));
    }

    it("would be replaced or refused by the next up as it is, and is finished in place once it was read again; what the cloud filled in stays", async () => {
        const refused = { halfWay: "The instance is busy." };
        trouble({ [redisType]: { ...refused, fills: fillsOf(redisType) }, [mongoType]: { ...refused, fills: fillsOf(mongoType) } });
        const failed = await pulumi(up, { reject: false });
        assert.notEqual(failed.exitCode, 0);
        assert.match(failed.stdout, /alicloud_mongodb_instance dds-\S+ is there and is Normal: .*The instance is busy\./);
        const made = { redis: idsOf(redisType), mongo: idsOf(mongoType) };
        assert.deepEqual([made.redis.length, made.mongo.length], [1, 1]);
        trouble({});

        const { stdout: plain } = await pulumi(["preview", "--non-interactive", "--diff"]);
        assert.match(plain, /\+-alicloud:mongodb\/instance:Instance: \(replace\)/);

        const said: string[] = [];
        await readAgain(pulumi, (line) => said.push(line));
        assert.deepEqual(said, ["Made, but not finished; read again from the cloud: redis-instance, mongo-instance"]);
        const { stdout: next } = await pulumi(["preview", "--non-interactive", "--diff"]);
        assert.doesNotMatch(next, /replace/);
        await pulumi(up);
        assert.deepEqual({ redis: idsOf(redisType), mongo: idsOf(mongoType) }, made);
        await pulumi(["preview", "--non-interactive", "--expect-no-changes"]);
    });

    it("isn't changed to another disk: the engine's log tells what was before", async () => {
        writeFileSync(copy.path("stores/index.js"), program.replace("cloud_essd1", "cloud_essd2"));
        const log = join(copy.folder, "events.json");
        await pulumi(["preview", "--non-interactive", "--suppress-progress", "--event-log", log]);
        assert.deepEqual(readPreview(readFileSync(log, "utf8")).refused, [
            "`mongo-instance`: storageType is cloud_essd2 and was cloud_essd1; allowed: cloud_essd1 or cloud_auto",
        ]);
    });
});

describe("What deploy and recover do first, by a pulumi that only takes notes", () => {
    let copy: Copy;
    let env: Record<string, string>;
    const noted = () => readFileSync(join(copy.folder, "notes"), "utf8").trim().split("\n");
    const urn = `urn:pulumi:shop::sms::sms:mongo:Managed$${mongoType}::mongo-instance`;

    before(() => {
        copy = Copy.make();
        const bin = join(copy.folder, "bin");
        mkdirSync(bin);
        const state = { version: 3, deployment: { resources: [{ urn, type: mongoType, initErrors: ["refused"] }] } };
        writeFileSync(join(copy.folder, "state.json"), JSON.stringify(state));
        const script = `#!/bin/sh\necho "$@" >> '${copy.folder}/notes'\n[ "$2" != ls ] || echo '[]'\n[ "$2" != export ] || cat '${copy.folder}/state.json'\n[ "$1" != preview ]\n`;
        writeFileSync(join(bin, "pulumi"), script);
        chmodSync(join(bin, "pulumi"), 0o755);
        env = { PATH: `${bin}:${process.env.PATH}` };
        const sealed = ["registryPassword", "redisPassword", "mongoPassword"].map((key) => `    sms:${key}: { secure: v1:x }\n`);
        writeFileSync(copy.path("Pulumi.shop.yaml"), copy.read("Pulumi.local.yaml").replace("config:\n", `config:\n${sealed.join("")}`));
    });
    after(() => copy.remove());
    beforeEach(() => writeFileSync(join(copy.folder, "notes"), ""));

    it("deploy reads a half-made store before it previews", async () => {
        await copy.run("deploy", ["--stack", "shop"], env);
        const [look = "", read = "", preview = ""] = noted();
        assert.equal(look, "stack export --stack shop");
        assert.equal(read, `refresh --yes --skip-preview --non-interactive --target ${urn} --stack shop`);
        assert.match(preview, /^preview /);
    });

    it("recover reads it too, at the end", async () => {
        const { output } = await copy.run("recover", ["--stack", "shop"], env);
        assert.match(output, /Nobody holds the lock of shop\.[\s\S]*Made, but not finished; read again from the cloud: mongo-instance/);
        assert.match(noted().at(-1) ?? "", /^refresh --yes .*--target \S+mongo-instance/);
    });
});
