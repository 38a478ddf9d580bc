import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ManagedRedis } from "../../components/managedRedis";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { managed, whitelist } from "./managedArgs";

describe("Redis on Alibaba Cloud", () => {
    const args = { ...managed, instanceClass: "redis.shard.small.2.ce", account: "sms" };
    const redis = (changes = {}) => deploy(() => new ManagedRedis("redis", { ...args, ...changes }));

    it("is an instance and an account", async () => {
        const { deployed } = await redis();
        assert.deepEqual(deployed.listed(), [
            "redis (sms:redis:Managed)",
            `redis-account (${types.redisAccount})`,
            `redis-instance (${types.redisInstance})`,
        ]);
        for (const type of [types.redisInstance, types.redisAccount]) {
            assert.equal(deployed.one(type).parent, "redis");
        }
    });

    it("has the provider's own waiting time, and the cloud's beyond it", async () => {
        const { deployed } = await redis();
        assert.deepEqual(deployed.one(types.redisInstance).timeouts, { create: "50m", update: "50m" });
        assert.equal(deployed.one(types.redisInstance).deleteTimeout, "30m");
    });

    it("is exactly this", async () => {
        const { deployed } = await redis();
        const { inputs, secrets } = deployed.one(types.redisInstance);
        assert.deepEqual(inputs, {
            dbInstanceName: "sms-online",
            instanceClass: "redis.shard.small.2.ce",
            engineVersion: "7.0",
            paymentType: "PostPaid",
            zoneId: "cn-hangzhou-i",
            secondaryZoneId: "cn-hangzhou-h",
            vswitchId: "vsw-i",
            vpcAuthMode: "Open",
            securityIps: whitelist,
            config: { "maxmemory-policy": "noeviction", appendonly: "yes" },
            backupPeriods: ["Monday", "Thursday"],
            backupTime: "09:00Z-10:00Z",
            maintainStartTime: "22:00Z",
            maintainEndTime: "23:00Z",
            instanceReleaseProtection: true,
            tags: { product: "sms", environment: "online" },
        });
        assert.deepEqual(secrets, []);
    });

    it("admits only the given CIDRs, and only within the VPC", async () => {
        const { podCidr, ...network } = managed.network;
        const { deployed } = await redis({ network });
        const { inputs } = deployed.one(types.redisInstance);
        assert.deepEqual(inputs.securityIps, ["10.1.0.0/24", "10.1.1.0/24"]);
        assert.deepEqual(
            Object.keys(inputs).filter((key) => /public|connectionString|password/i.test(key)),
            [],
        );
    });

    it("never evicts keys, and keeps them across a restart", async () => {
        const { deployed } = await redis();
        assert.deepEqual(deployed.one(types.redisInstance).inputs.config, { "maxmemory-policy": "noeviction", appendonly: "yes" });
    });

    it("has an account of the product that can read and write, with a password that is a secret in the state", async () => {
        const { deployed } = await redis();
        const { inputs, secrets } = deployed.one(types.redisAccount);
        assert.deepEqual(inputs, {
            instanceId: "redis-instance-id",
            accountName: "sms",
            accountPassword: "p@ss/Word1?",
            accountType: "Normal",
            accountPrivilege: "RoleReadWrite",
        });
        assert.deepEqual(secrets, ["accountPassword"]);
    });

    for (const protect of [true, false]) {
        it(`is ${protect ? "protected" : "not protected"} from deletion and replacement by both cloud and Pulumi, as set`, async () => {
            const { deployed } = await redis({ protect });
            const instance = deployed.one(types.redisInstance);
            assert.deepEqual([instance.protect, instance.inputs.instanceReleaseProtection], [protect, protect]);
            assert.equal(deployed.one(types.redisAccount).protect, false);
        });
    }

    it("uses another account's name in the URL and in the pods: so its password changes without an interruption", async () => {
        const { deployed, result } = await redis({ account: "sms2" });
        assert.equal(deployed.one(types.redisAccount).inputs.accountName, "sms2");
        assert.match((await resolve(result.url)).value, /^redis:\/\/sms2:/);
    });

    it("can be in one zone", async () => {
        const { deployed } = await redis({ secondaryZone: undefined });
        assert.ok(!("secondaryZoneId" in deployed.one(types.redisInstance).inputs));
    });

    it("has a URL that is a secret, with the password encoded", async () => {
        const { result } = await redis();
        assert.deepEqual(await resolve(result.url), { value: "redis://sms:p%40ss%2FWord1%3F@r-1.redis.example:6379/0", secret: true });
    });

    it("has a URL that is a secret, also if the password is not marked as one", async () => {
        const { deployed, result } = await redis({ password: pulumi.output("Plain-Passw0rd") });
        assert.deepEqual(await resolve(result.url), { value: "redis://sms:Plain-Passw0rd@r-1.redis.example:6379/0", secret: true });
        assert.deepEqual(deployed.one(types.redisAccount).secrets, ["accountPassword"]);
    });

    it("encrypts its connections if set, and verifies the server's certificate", async () => {
        const { deployed, result } = await redis({ tls: true });
        assert.equal(deployed.one(types.redisInstance).inputs.sslEnable, "Enable");
        assert.equal((await resolve(result.url)).value, "rediss://sms:p%40ss%2FWord1%3F@r-1.redis.example:6379/0?ssl_cert_reqs=required");
    });

    it("verifies it with the given certificates", async () => {
        const { result } = await redis({ tls: true, caFile: "/etc/sms/stores-ca/ca.pem" });
        assert.equal(
            (await resolve(result.url)).value,
            "rediss://sms:p%40ss%2FWord1%3F@r-1.redis.example:6379/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fsms%2Fstores-ca%2Fca.pem",
        );
    });

    it("turns encryption off if set, and sets nothing by default", async () => {
        const off = await redis({ tls: false });
        assert.equal(off.deployed.one(types.redisInstance).inputs.sslEnable, "Disable");
        assert.match((await resolve(off.result.url)).value, /^redis:/);
        const unsaid = await redis();
        assert.ok(!("sslEnable" in unsaid.deployed.one(types.redisInstance).inputs));
    });
});
