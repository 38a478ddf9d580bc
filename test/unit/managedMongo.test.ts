import assert from "node:assert/strict";
import { ManagedMongo } from "../../components/managedMongo";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { managed, whitelist } from "./managedArgs";

describe("MongoDB on Alibaba Cloud", () => {
    const args = {
        ...managed,
        instanceClass: "mdb.shard.2x.large.c",
        storageGb: 20,
        storageType: "cloud_essd1",
        nodes: 3,
        hiddenZone: "cn-hangzhou-j",
        backupsAfterDeletion: "last" as const,
    };
    const mongo = (changes = {}) => deploy(() => new ManagedMongo("mongo", { ...args, ...changes }));
    const members = "dds-1.mongo.example:3717,dds-2.mongo.example:3717";

    it("is an instance and its account", async () => {
        const { deployed } = await mongo();
        assert.deepEqual(deployed.listed(), [
            "mongo (sms:mongo:Managed)",
            `mongo-account (${types.mongoAccount})`,
            `mongo-instance (${types.mongoInstance})`,
        ]);
        for (const type of [types.mongoInstance, types.mongoAccount]) {
            assert.equal(deployed.one(type).parent, "mongo");
        }
    });

    it("has the provider's own waiting time, and the cloud's beyond it", async () => {
        const { deployed } = await mongo();
        assert.deepEqual(deployed.one(types.mongoInstance).timeouts, { create: "50m", update: "50m" });
        assert.equal(deployed.one(types.mongoInstance).deleteTimeout, "30m");
    });

    it("is exactly this", async () => {
        const { deployed } = await mongo();
        const { inputs, secrets } = deployed.one(types.mongoInstance);
        assert.deepEqual(inputs, {
            name: "sms-online",
            dbInstanceClass: "mdb.shard.2x.large.c",
            engineVersion: "7.0",
            dbInstanceStorage: 20,
            storageType: "cloud_essd1",
            replicationFactor: 3,
            instanceChargeType: "PostPaid",
            networkType: "VPC",
            vpcId: "vpc-1",
            vswitchId: "vsw-i",
            zoneId: "cn-hangzhou-i",
            secondaryZoneId: "cn-hangzhou-h",
            hiddenZoneId: "cn-hangzhou-j",
            securityIpLists: whitelist,
            backupPeriods: ["Monday", "Thursday"],
            backupTime: "09:00Z-10:00Z",
            backupRetentionPolicyOnClusterDeletion: 1,
            maintainStartTime: "22:00Z",
            maintainEndTime: "23:00Z",
            dbInstanceReleaseProtection: true,
            tags: { product: "sms", environment: "online" },
        });
        assert.deepEqual(secrets, []);
    });

    for (const [backupsAfterDeletion, policy] of Object.entries({ none: 0, last: 1, all: 2 })) {
        it(`keeps ${backupsAfterDeletion} of its backups after its deletion (policy ${policy}), if set`, async () => {
            const { deployed } = await mongo({ backupsAfterDeletion });
            assert.equal(deployed.one(types.mongoInstance).inputs.backupRetentionPolicyOnClusterDeletion, policy);
        });
    }

    it("can be in one zone", async () => {
        const { deployed } = await mongo({ secondaryZone: undefined, hiddenZone: undefined });
        const { inputs } = deployed.one(types.mongoInstance);
        assert.deepEqual(
            ["secondaryZoneId", "hiddenZoneId"].filter((name) => name in inputs),
            [],
        );
    });

    it("has Alibaba Cloud's single account, with our password as a secret in the state", async () => {
        const { deployed } = await mongo();
        const { inputs, secrets } = deployed.one(types.mongoAccount);
        assert.deepEqual(inputs, {
            instanceId: "mongo-instance-id",
            accountName: "root",
            accountPassword: "p@ss/Word1?",
            characterType: "normal",
        });
        assert.deepEqual(secrets, ["accountPassword"]);
    });

    for (const protect of [true, false]) {
        it(`is ${protect ? "protected" : "not protected"} from deletion and replacement by both cloud and Pulumi, as set`, async () => {
            const { deployed } = await mongo({ protect });
            const instance = deployed.one(types.mongoInstance);
            assert.deepEqual(
                [instance.protect, deployed.one(types.mongoAccount).protect, instance.inputs.dbInstanceReleaseProtection],
                [protect, protect, protect],
            );
        });
    }

    it("has a URL with all members in the VPC in a fixed order; it is a secret, with the password encoded", async () => {
        const { result } = await mongo();
        assert.deepEqual(await resolve(result.url), {
            value: `mongodb://root:p%40ss%2FWord1%3F@${members}/sms?replicaSet=mgset-1&authSource=admin`,
            secret: true,
        });
    });

    it("encrypts its connections if set, and verifies them with the given certificates", async () => {
        const { deployed, result } = await mongo({ tls: true, caFile: "/etc/sms/stores-ca/ca.pem" });
        assert.equal(deployed.one(types.mongoInstance).inputs.sslAction, "Open");
        assert.equal(
            (await resolve(result.url)).value,
            `mongodb://root:p%40ss%2FWord1%3F@${members}/sms?replicaSet=mgset-1&authSource=admin&tls=true&tlsCAFile=%2Fetc%2Fsms%2Fstores-ca%2Fca.pem`,
        );
    });

    for (const tls of [false, undefined]) {
        it(`doesn't set encryption if tls is ${tls}: a new store has none, and its API refuses to close it`, async () => {
            const { deployed, result } = await mongo({ tls });
            assert.ok(!("sslAction" in deployed.one(types.mongoInstance).inputs));
            assert.doesNotMatch((await resolve(result.url)).value, /tls/);
        });
    }
});
