import { strict as assert } from "node:assert";
import { SlsLogs } from "../../components/logs";
import { ManagedMongo } from "../../components/managedMongo";
import { ManagedRedis } from "../../components/managedRedis";
import { deploy, types } from "../../lab/fixtures/deployed";
import type { Properties, Value } from "../../lab/machine/provider/values";
import { fillsOf, tables } from "../../operations/alicloud/table";
import { managed } from "../unit/managedArgs";
import { TestCloud } from "./cloud";

const mongoType = "alicloud:mongodb/instance:Instance";
const redisType = "alicloud:kvstore/instance:Instance";
const projectType = "alicloud:log/project:Project";
const storeType = "alicloud:log/store:Store";

const oneZone = { ...managed, secondaryZone: undefined };
const mongoArgs = { instanceClass: "mdb.shard.2x.large.c", storageGb: 20, storageType: "cloud_auto", nodes: 3 };
const programs = {
    mongo: () => new ManagedMongo("mongo", { ...oneZone, ...mongoArgs, backupsAfterDeletion: "last" }),
    redis: () => new ManagedRedis("redis", { ...oneZone, instanceClass: "redis.shard.small.2.ce", account: "sms" }),
    logs: () =>
        new SlsLogs("logs", {
            project: "my-sms",
            store: "sms",
            retentionDays: 30,
            region: "cn-hangzhou",
            network: "intranet",
            accessKeyId: "key",
            accessKeySecret: "secret",
            protect: true,
        }),
};

/** Inputs that the cloud fills in, and the effect if the program does not ignore them. */
const filled: [keyof typeof programs, keyof typeof tables, string, "replaced" | "undone"][] = [
    ["mongo", mongoType, "encrypted", "replaced"],
    ["mongo", mongoType, "cloudDiskEncryptionKey", "replaced"],
    ["mongo", mongoType, "hiddenZoneId", "undone"],
    ["mongo", mongoType, "secondaryZoneId", "undone"],
    ["mongo", mongoType, "securityIpGroups", "undone"],
    ["mongo", mongoType, "securityGroupId", "undone"],
    ["mongo", mongoType, "provisionedIops", "undone"],
    ["redis", redisType, "secondaryZoneId", "undone"],
    ["redis", redisType, "securityIpGroupAttribute", "undone"],
    ["logs", projectType, "policy", "undone"],
    ["logs", storeType, "telemetryType", "replaced"],
    ["logs", storeType, "hotTtl", "undone"],
];

describe("A value that the cloud fills in and the program doesn't set", () => {
    let cloud: TestCloud;
    beforeEach(async () => {
        cloud = await TestCloud.open();
    });
    afterEach(() => cloud.close());

    it("is in the table, and the table has no others", () => {
        const known = (Object.keys(tables) as (keyof typeof tables)[]).flatMap((type) =>
            Object.keys(fillsOf(type)).map((name) => `${type} ${name}`),
        );
        assert.deepEqual(known.sort(), filled.map(([, type, name]) => `${type} ${name}`).sort());
    });

    for (const [store, type, name, otherwise] of filled) {
        it(`${name} of ${type.split(":").at(-1)} (${store}) is unchanged; without the rule it would be ${otherwise}`, async () => {
            const { deployed } = await deploy<unknown>(programs[store]);
            const { inputs, ignoreChanges } = deployed.one(type);
            const said = cloud.check(type, inputs as Properties).inputs;
            const made = { type, id: "made", inputs: said, outputs: { ...said, [name]: fillsOf(type)[name] as Value } };
            assert.deepEqual(
                cloud.changes(made, inputs as Properties).map(({ property, kind, replaces }) => ({ property, kind, replaces })),
                [{ property: name, kind: "delete", replaces: otherwise === "replaced" }],
            );
            assert.deepEqual(cloud.changes(made, inputs as Properties, ignoreChanges), []);
        });
    }

    it("changes when the program sets it: a second zone is no longer ignored", async () => {
        const zones = { secondaryZone: "cn-hangzhou-h", hiddenZone: "cn-hangzhou-j" };
        const { deployed } = await deploy(
            () => new ManagedMongo("mongo", { ...oneZone, ...mongoArgs, ...zones, backupsAfterDeletion: "last" }),
        );
        const { ignoreChanges } = deployed.one(types.mongoInstance);
        assert.deepEqual(
            ["hiddenZoneId", "secondaryZoneId"].filter((name) => ignoreChanges.includes(name)),
            [],
        );
    });
});
