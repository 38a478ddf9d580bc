import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "@pulumi/alicloud/package.json";
import { execa } from "execa";
import { ensurePackages } from "../../lab/machine/host";
import { end } from "../../lab/rehearsal/alicloud-provider/processes";
import { fillsOf } from "../../operations/alicloud/table";
import { readPreview } from "../../operations/changes";
import { makeStack, throwAwayEngine } from "../../operations/engine";
import { readAgain } from "../../operations/halfMade";
import { whileBusy } from "../../operations/patience";
import { complete, readPlaceholders } from "../../operations/placeholders";
import { readStackFile } from "../../operations/stackFile";
import { pulumiCommand } from "../../toolchain/commands";
import { built } from "../../toolchain/goModules";
import { clone } from "../../toolchain/places";
import { writeStandIn } from "../../toolchain/standIns";
import { Copy } from "./copy";

const redisType = "alicloud:kvstore/instance:Instance";
const mongoType = "alicloud:mongodb/instance:Instance";

/** A program with both stores, created as for `test`. */
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

describe("A store that was created but not finished, by the real engine", () => {
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

    /** The ids of the cloud's resources of this type. */
    function idsOf(type: string): string[] {
        const folder = join(cloud, "holdings", type.replaceAll(/[:/]/g, "."));
        return readdirSync(folder).map((file) => file.replace(".json", ""));
    }

    it("would be replaced or refused by the next up, and is finished in place after a read; the cloud's own values stay", async () => {
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
        await readAgain(
            (args) => pulumi(args),
            (line) => said.push(line),
        );
        assert.deepEqual(said, ["Created but not finished; refreshing from the cloud: redis-instance, mongo-instance"]);
        const { stdout: next } = await pulumi(["preview", "--non-interactive", "--diff"]);
        assert.doesNotMatch(next, /replace/);
        await pulumi(up);
        assert.deepEqual({ redis: idsOf(redisType), mongo: idsOf(mongoType) }, made);
        await pulumi(["preview", "--non-interactive", "--expect-no-changes"]);
    });

    it("accepts a new password only when it isn't busy, and the engine's message is recognised", async () => {
        writeFileSync(copy.path("stores/index.js"), program.replace("Passw0rd!", "N3wPassw0rd!"));
        trouble({ [redisType]: { isBusy: true }, [mongoType]: { isBusy: true } });
        const log = join(copy.folder, "events.json");
        const attempt = async (isFirst: boolean) => {
            if (!isFirst) {
                trouble({});
            }
            rmSync(log, { force: true });
            const { exitCode = 1 } = await pulumi([...up, "--event-log", log], { reject: false });
            return { exitCode, errors: readPreview(readFileSync(log, "utf8")).errors };
        };
        const said: string[] = [];
        assert.equal(await whileBusy(attempt, { attempts: 3, pauseSeconds: 1, say: (line) => said.push(line) }), 0);
        assert.equal(said.length, 1);
        writeFileSync(copy.path("stores/index.js"), program);
    });

    it("isn't changed to another disk: the engine's log has the earlier value", async () => {
        writeFileSync(copy.path("stores/index.js"), program.replace("cloud_essd1", "cloud_essd2"));
        const log = join(copy.folder, "events.json");
        await pulumi(["preview", "--non-interactive", "--suppress-progress", "--event-log", log]);
        assert.deepEqual(readPreview(readFileSync(log, "utf8")).refused, [
            "`mongo-instance`: storageType is cloud_essd2 and was cloud_essd1; allowed: cloud_essd1 or cloud_auto",
        ]);
    });
});

describe("The whole program, if its state has a half-made store", () => {
    let folder: string;

    before(() => {
        folder = mkdtempSync(join(tmpdir(), "sms-half-made-"));
    });
    after(() => rmSync(folder, { recursive: true }));

    it("refuses a plain preview, and names the command that repairs it", async () => {
        const { command, env } = await throwAwayEngine(folder);
        const completed = complete("online", readStackFile(clone, "online"), readPlaceholders());
        const file = await makeStack({ command, env, notes: [] }, folder, "online", completed);
        const pulumi = (args: string[], input = "") =>
            execa(command, [...args, "--stack", "online"], { env, cwd: clone, input, all: true, reject: false });
        const urn = (type: string, name: string) => `urn:pulumi:online::sms::${type}::${name}`;
        const parent = urn("pulumi:pulumi:Stack", "sms-online");
        const own = { parent, custom: true, id: "00000000-0000-4000-8000-000000000000" };
        const engine = urn("pulumi:providers:pulumi", "default");
        const alibaba = urn("pulumi:providers:alicloud", "alibaba");
        const mongo = urn(`sms:mongo:Managed$${mongoType}`, "mongo-instance");
        const output = "11111111-1111-4111-8111-111111111111";
        const resources = [
            { urn: parent, type: "pulumi:pulumi:Stack", custom: false },
            { ...own, urn: engine, type: "pulumi:providers:pulumi" },
            {
                ...own,
                urn: urn("pulumi:index:Stash", "owner"),
                type: "pulumi:index:Stash",
                inputs: { input: output },
                outputs: { input: output, output },
                provider: `${engine}::${own.id}`,
            },
            { ...own, urn: alibaba, type: "pulumi:providers:alicloud", inputs: { region: "cn-hangzhou" } },
            { ...own, id: "dds-1", urn: mongo, type: mongoType, outputs: { id: "dds-1" }, provider: `${alibaba}::${own.id}` },
        ];
        await pulumi(["stack", "import", "--force"], JSON.stringify({ version: 3, deployment: { manifest: {}, resources } }));
        const { exitCode, all } = await pulumi(["preview", "--config-file", file, "--non-interactive"]);
        assert.notEqual(exitCode, 0, all);
        assert.match(
            all,
            /1 obstacle in the way of stack online; nothing was changed:\n\s+mongo-instance was made in the cloud and not finished/,
        );
        assert.ok(all.includes(`pulumi refresh --yes --target '${mongo}' --stack online`), all);
    });
});

describe("A deploy of a busy store, with a stand-in of pulumi that records its calls", () => {
    let copy: Copy;

    before(() => {
        copy = Copy.make();
        mkdirSync(join(copy.folder, "bin"));
        const refused = { diagnosticEvent: { severity: "error", message: "Code: IncorrectDBInstanceState Message: …" } };
        writeFileSync(join(copy.folder, "busy"), `${JSON.stringify(refused)}\n`);
        const script = `#!/bin/sh
            cd '${copy.folder}'
            echo "$1 $2" >> notes
            [ "$2" != export ] || echo '{}'
            while [ $# -gt 0 ]; do [ "$1" != --event-log ] || log=$2; case "$1" in preview|up) verb=$1;; esac; shift; done
            [ "$verb" != preview ] || echo '{}' | tee "$log" > "$(dirname "$log")/plan.json"
            [ "$verb" != up ] || [ ! -e busy ] || { mv busy "$log"; exit 255; }`;
        writeFileSync(join(copy.folder, "bin/pulumi"), script, { mode: 0o755 });
        copy.addStack("shop");
    });
    after(() => copy.remove());

    it("starts again after half a minute: a check for half-made stores and for the running image, a preview, the up", async () => {
        const { exitCode, output } = await copy.run("deploy", ["--stack", "shop"], { PATH: `${copy.folder}/bin:${process.env.PATH}` });
        assert.equal(exitCode, 0, output);
        assert.match(output, /A store is busy; everything else is done\. Trying again in 30 s\./);
        const verbs = readFileSync(join(copy.folder, "notes"), "utf8").trim().split("\n");
        const once = ["stack export", "stack export", "preview --stack", "stack export", "up --yes"];
        assert.deepEqual(
            verbs.filter((verb) => once.includes(verb)),
            [...once, ...once],
        );
    });
});

describe("The first step of deploy and recover, with a stand-in of pulumi that records its calls", () => {
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
        copy.addStack("shop");
    });
    after(() => copy.remove());
    beforeEach(() => writeFileSync(join(copy.folder, "notes"), ""));

    it("deploy reads a half-made store before it previews", async () => {
        await copy.run("deploy", ["--stack", "shop"], env);
        const [look = "", read = "", ...after] = noted();
        assert.equal(look, "stack export --stack shop");
        assert.equal(read, `refresh --yes --skip-preview --non-interactive --target ${urn} --stack shop`);
        assert.match(after.find((line) => !line.startsWith("stack export")) ?? "", /^preview /);
    });

    it("recover reads it too, at the end", async () => {
        const { output } = await copy.run("recover", ["--stack", "shop"], env);
        assert.match(output, /Nobody holds the lock of shop\.[\s\S]*Created but not finished; refreshing from the cloud: mongo-instance/);
        assert.match(noted().at(-1) ?? "", /^refresh --yes .*--target \S+mongo-instance/);
    });
});
