import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Properties, plain, secret } from "../../lab/machine/provider/values";
import { TestCloud, vswitchId, zone } from "./cloud";

const redis = "alicloud:kvstore/instance:Instance";
const redisAccount = "alicloud:kvstore/account:Account";
const mongo = "alicloud:mongodb/instance:Instance";
const mongoAccount = "alicloud:mongodb/account:Account";
const vpc = "alicloud:vpc/network:Network";
const vSwitch = "alicloud:vpc/switch:Switch";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("A preview at the cloud's stand-in", () => {
    let cloud: TestCloud;
    beforeEach(async () => {
        cloud = await TestCloud.open();
    });
    afterEach(() => cloud.close());

    it("refuses an unknown input", () => {
        assert.match(
            cloud.refusals(redis, { instanceClas: "x" }).join(),
            /^instanceClas: Invalid or unknown key; known here are dbInstanceName, /,
        );
    });

    it("refuses all inputs that the provider's schema refuses, together and with its messages", () => {
        assert.deepEqual(
            cloud.refusals(redis, { engineVersion: "9", paymentType: "Free", enableBackupLog: 2, vpcAuthMode: "open", sslEnable: "yes" }),
            [
                "engineVersion: expected engine_version to be one of [2.8 4.0 5.0 6.0 7.0], got 9",
                "paymentType: expected payment_type to be one of [PostPaid PrePaid], got Free",
                "vpcAuthMode: expected vpc_auth_mode to be one of [Close Open], got open",
                "sslEnable: expected ssl_enable to be one of [Disable Enable Update], got yes",
                "enableBackupLog: expected enable_backup_log to be one of [0 1], got 2",
            ],
        );
    });

    it("refuses values of another type", () => {
        assert.deepEqual(cloud.refusals(redis, { securityIps: "10.0.0.0/8", instanceReleaseProtection: "true", tags: "a" }), [
            "securityIps: This has to be a list of texts",
            "instanceReleaseProtection: This has to be true or false",
            "tags: This has to be an object of texts",
        ]);
    });

    it("requires the required inputs", () => {
        assert.deepEqual(cloud.refusals(mongo, { engineVersion: "7.0", dbInstanceClass: "mdb.shard.2x.large.d" }), [
            'dbInstanceStorage: Missing required argument. The argument "db_instance_storage" is required, but no definition was found.',
        ]);
    });

    it("checks lists of objects", () => {
        const index = "alicloud:log/storeIndex:StoreIndex";
        const news: Properties = { project: "p", logstore: "s", fieldSearches: [{ name: "level", type: "word" }, { type: "text" }] };
        assert.deepEqual(cloud.refusals(index, news), [
            "fieldSearches[0].type: expected type to be one of [text long double json], got word",
            'fieldSearches[1].name: Missing required argument. The argument "name" is required, but no definition was found.',
        ]);
    });

    it("accepts unknown values, also instead of a number", () => {
        assert.deepEqual(cloud.refusals(mongo, { engineVersion: unknown, dbInstanceClass: unknown, dbInstanceStorage: unknown }), []);
    });

    it("accepts a weak password, as the provider does, and makes it a secret", () => {
        const { inputs, failures } = cloud.check(redis, { password: "weak" });
        assert.deepEqual([inputs.password, failures], [secret("weak"), []]);
    });

    it("accepts numbers and booleans as texts in a map, as the bridge does", () => {
        assert.deepEqual(cloud.refusals(redis, { config: { appendonly: true, timeout: 60 } }), []);
    });

    it("refuses empty values", () => {
        assert.deepEqual(cloud.refusals(redis, { securityIps: [], config: {} }), [
            "securityIps: Not enough items: security_ips has at least one, got none",
            "config: Not enough items: config has at least one, got none",
        ]);
        assert.deepEqual(cloud.refusals("alicloud:log/storeIndex:StoreIndex", { project: "p", logstore: "s", fieldSearches: [] }), [
            "fieldSearches: Not enough items: field_searches has at least one, got none",
        ]);
    });

    it("refuses a project name with a space and an unknown character type", () => {
        assert.deepEqual(cloud.refusals("alicloud:log/project:Project", { projectName: "a b" }), [
            "projectName: project_name can't have spaces",
        ]);
        const account = { instanceId: "dds-1", accountName: "root", accountPassword: "Passw0rd!", characterType: "x" };
        assert.deepEqual(cloud.refusals("alicloud:mongodb/account:Account", account), [
            "characterType: expected character_type to be one of [mongos shards normal], got x",
        ]);
    });

    it("accepts values that only the API refuses", () => {
        const of: [string, Properties][] = [
            [
                redisAccount,
                { instanceId: "r-1", accountName: "Root", accountPrivilege: "All", accountType: "Super", accountPassword: "weak" },
            ],
            ["alicloud:mongodb/account:Account", { instanceId: "dds-1", accountName: "sms", accountPassword: "weak" }],
            ["alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace", { instanceId: "cri-1", name: "Team" }],
            [
                "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo",
                { instanceId: "cri-1", namespace: "team", name: "A B", repoType: "PRIVATE", summary: "" },
            ],
            ["alicloud:log/store:Store", { projectName: "p", logstoreName: "s", retentionPeriod: 4000 }],
        ];
        assert.deepEqual(
            of.flatMap(([type, news]) => cloud.refusals(type, news)),
            [],
        );
    });

    it("generates missing names, and keeps them", () => {
        const { inputs } = cloud.check(mongo, { engineVersion: "7.0", dbInstanceClass: "mdb.x", dbInstanceStorage: 20 });
        assert.match(String(inputs.name), /^it-[0-9a-f]{7}$/);
        assert.equal(cloud.check(mongo, { ...inputs, name: null }, inputs).inputs.name, inputs.name);
    });

    it("leaves the cloud's own values unknown, and changes nothing", async () => {
        const news = { instanceClass: "redis.master.small.default" };
        const { outputs } = await cloud.provider.create(cloud.subject(redis), news, true);
        assert.deepEqual([outputs.connectionDomain, outputs.zoneId, outputs.instanceClass], [unknown, unknown, news.instanceClass]);
        assert.ok(!existsSync(join(cloud.folder, "holdings")));
    });

    it("has no other resource and no other function", async () => {
        const other = "alicloud:ecs/instance:Instance";
        assert.throws(() => cloud.check(other, {}), /stands in for the alicloud plugin.*doesn't do alicloud:ecs\/instance:Instance/);
        await assert.rejects(
            cloud.provider.invoke("alicloud:index/getZones:getZones", {}, true),
            /doesn't do the function alicloud:index\/getZones/,
        );
    });

    it("has no setting that it would ignore", () => {
        const failures = cloud.provider.checkConfig({ region: "cn-hangzhou", endpoints: "x", accountType: "Own" }).failures;
        assert.deepEqual(
            failures.map(({ property }) => property),
            ["endpoints", "accountType"],
        );
    });

    it("sees no change in the order of a whitelist, nor in values that the cloud chooses", async () => {
        const vSwitchOf = (zoneId: string) => ({ vpcId: "vpc-there", zoneId, cidrBlock: "10.1.2.0/24" });
        const said = { securityIps: ["10.0.0.1", "10.0.0.2"] };
        const { inputs } = cloud.check(redis, said);
        const made = { type: redis, id: "r-1", inputs, outputs: { ...inputs, zoneId: zone } };
        assert.deepEqual(cloud.changes(made, { securityIps: ["10.0.0.2", "10.0.0.1"] }), []);
        const changes = cloud.changes(made, { securityIps: ["10.0.0.1"], instanceType: "Memcache" });
        assert.deepEqual(changes, [
            { property: "instanceType", kind: "update", replaces: true },
            { property: "securityIps", kind: "update", replaces: false },
        ]);
        const there = { type: vSwitch, id: "vsw-1", inputs: {}, outputs: vSwitchOf(zone) };
        assert.deepEqual(cloud.changes(there, vSwitchOf("cn-hangzhou-i")), [{ property: "zoneId", kind: "update", replaces: true }]);
    });

    it("sees no change in the number of shards nor in the order of an index's fields", () => {
        const store = { projectName: "p", logstoreName: "s", shardCount: 2 };
        const made = {
            type: "alicloud:log/store:Store",
            id: "p:s",
            inputs: {},
            outputs: cloud.check("alicloud:log/store:Store", store).inputs,
        };
        assert.deepEqual(cloud.changes(made, { ...store, shardCount: 8 }), []);
        const index = {
            project: "p",
            logstore: "s",
            fieldSearches: [
                { name: "a", type: "text" },
                { name: "b", type: "long" },
            ],
        };
        const there = { type: "alicloud:log/storeIndex:StoreIndex", id: "p:s", inputs: {}, outputs: index };
        assert.deepEqual(
            cloud.changes(there, {
                ...index,
                fieldSearches: [
                    { type: "long", name: "b" },
                    { name: "a", type: "text" },
                ],
            }),
            [],
        );
    });

    it("deletes the old resource first if the resource has a fixed name", () => {
        const namespace = "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace";
        const repository = "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo";
        const change = { kind: "update", replaces: true, deletesFirst: true };
        const team = { type: namespace, id: "cri-1:team", inputs: {}, outputs: { instanceId: "cri-1", name: "team" } };
        assert.deepEqual(cloud.changes(team, { instanceId: "cri-1", name: "other" }), [{ property: "name", ...change }]);
        const said = { instanceId: "cri-1", namespace: "team", name: "sms", repoType: "PRIVATE", summary: "sms" };
        const sms = { type: repository, id: "cri-1:team:sms", inputs: {}, outputs: said };
        assert.deepEqual(cloud.changes(sms, { ...said, namespace: "other" }), [{ property: "namespace", ...change }]);
        const order = { name: "sms", engineVersion: "7.0", dbInstanceClass: "mdb.x", dbInstanceStorage: 20, zoneId: zone };
        const store = { type: mongo, id: "dds-1", inputs: {}, outputs: order };
        assert.deepEqual(cloud.changes(store, { ...order, zoneId: "cn-hangzhou-i" }), [{ property: "zoneId", ...change }]);
        // If the name is generated, the old resource can exist beside the new one.
        const madeUp = { ...store, outputs: { ...order, name: "it-0123abc" } };
        assert.deepEqual(cloud.changes(madeUp, { ...order, name: "it-0123abc", zoneId: "cn-hangzhou-i" }), [
            { property: "zoneId", kind: "update", replaces: true },
        ]);
    });

    it("creates another account of MongoDB for another name", () => {
        const said = { instanceId: "dds-1", accountName: "root", accountPassword: "Passw0rd!" };
        const made = { type: "alicloud:mongodb/account:Account", id: "dds-1:root", inputs: {}, outputs: said };
        assert.deepEqual(cloud.changes(made, { ...said, accountName: "sms" }), [
            { property: "accountName", kind: "update", replaces: true },
        ]);
    });
});

describe("The cloud's stand-in", () => {
    let cloud: TestCloud;
    beforeEach(async () => {
        cloud = await TestCloud.open();
    });
    afterEach(() => cloud.close());

    const refuses = (work: Promise<unknown>, code: string) =>
        assert.rejects(work, (error: Error) => error.message.includes(`Code: ${code} `));
    const order: Properties = { instanceClass: "redis.master.small.default", engineVersion: "7.0", vswitchId };

    it("creates nothing without keys, but shows previews", async () => {
        const saved = process.env.ALICLOUD_ACCESS_KEY;
        delete process.env.ALICLOUD_ACCESS_KEY;
        await cloud.provider.configure({ region: "cn-hangzhou" });
        await assert.rejects(cloud.create(redis, order), /no valid credential sources/);
        await cloud.provider.create(cloud.subject(redis), order, true);
        process.env.ALICLOUD_ACCESS_KEY = saved ?? "";
    });

    it("refuses orders that the provider accepts and the API refuses", async () => {
        await refuses(cloud.create(redis, { ...order, password: "weakweak1" }), "InvalidPassword.Format");
        await refuses(cloud.create(redis, { ...order, vswitchId: "vsw-none" }), "InvalidVSwitchId.NotFound");
        await refuses(cloud.create(redis, { ...order, instanceClass: "big" }), "InvalidInstanceClass.NotFound");
        await refuses(cloud.create(redis, { ...order, zoneId: "cn-hangzhou-i" }), "InvalidVSwitchId.ZoneMismatch");
        await refuses(cloud.create(redis, { instanceClass: order.instanceClass ?? "" }), "InvalidNetworkType.NotSupport");
        await refuses(
            cloud.create(redisAccount, { instanceId: "r-none", accountName: "sms", accountPassword: "Passw0rd!" }),
            "InvalidInstanceId.NotFound",
        );
        const mongoOrder = { engineVersion: "7.0", dbInstanceClass: "mdb.shard.2x.large.d", dbInstanceStorage: 20, vswitchId };
        await refuses(cloud.create(mongo, { ...mongoOrder, engineVersion: "3.4" }), "InvalidEngineVersion.Malformed");
        await refuses(cloud.create(mongo, { ...mongoOrder, dbInstanceStorage: 25 }), "InvalidStorage.Format");
        await refuses(cloud.create(mongo, { ...mongoOrder, storageType: "local_ssd" }), "InvalidStorageType");
        const twice = { secondaryZoneId: zone, hiddenZoneId: "cn-hangzhou-i" };
        await refuses(cloud.create(mongo, { ...mongoOrder, ...twice }), "InvalidZoneId.Duplicate");
        await refuses(cloud.create(mongo, { ...mongoOrder, secondaryZoneId: "cn-hangzhou-i" }), "InvalidZoneId.NotSupport");
        const account = { instanceId: "dds-none", accountName: "sms", accountPassword: "Passw0rd!" };
        await refuses(cloud.create(mongoAccount, account), "InvalidAccountName.NotFound");
        await refuses(
            cloud.create(mongoAccount, { ...account, accountName: "root", accountPassword: "weakweak1" }),
            "InvalidPassword.Format",
        );
        await refuses(cloud.create("alicloud:log/project:Project", { projectName: "UPPER" }), "ParameterInvalid");
        assert.ok(!existsSync(join(cloud.folder, "data")));
    });

    it("refuses an account name that Redis reserves", async () => {
        for (const accountName of ["root", "default", "Shop"]) {
            const account = { instanceId: "r-none", accountName, accountPassword: "Passw0rd!" };
            await refuses(cloud.create(redisAccount, account), "InvalidAccountName.Format");
        }
    });

    it("waits as long as the provider does for itself, faster by a factor", async () => {
        const mongoOrder = { engineVersion: "7.0", dbInstanceClass: "mdb.shard.2x.large.d", dbInstanceStorage: 20, vswitchId };
        const waits = async (type: string, news: Properties) => {
            const open = await TestCloud.open();
            const said: string[] = [];
            // Cancel at the first line, so that the test does not wait.
            const log = (line: string) => {
                said.push(line);
                open.provider.cancel();
            };
            const { inputs } = open.check(type, news);
            await assert.rejects(open.provider.create({ ...open.subject(type), log }, inputs, false));
            await open.close();
            return said;
        };
        process.env.SMS_CLOUD_PACE = "0.5";
        try {
            assert.deepEqual(await waits(redis, order), ["still 300 s to go"]);
            assert.deepEqual(await waits(redis, { ...order, sslEnable: "Enable" }), ["still 450 s to go"]);
            assert.deepEqual(await waits(mongo, mongoOrder), ["still 60 s to go"]);
            assert.deepEqual(await waits(mongo, { ...mongoOrder, sslAction: "Open" }), ["still 60 s to go"]);
        } finally {
            delete process.env.SMS_CLOUD_PACE;
        }
    });

    it("reports the values that it filled in, also after reading, and does not treat them as inputs", async () => {
        const project = "alicloud:log/project:Project";
        const said = { projectName: "shop-logs" };
        cloud.trouble(project, { fills: { policy: "{}" } });
        const made = await cloud.create(project, said);
        assert.equal(made.outputs.policy, "{}");
        const { inputs, outputs } = (await cloud.read(made)) ?? assert.fail("it is gone");
        assert.deepEqual([inputs.policy, outputs.policy], [undefined, "{}"]);
        assert.deepEqual(cloud.changes(made, said), [{ property: "policy", kind: "delete", replaces: false }]);
        const tagged = { ...said, tags: { product: "sms" } };
        assert.equal((await cloud.update(made, tagged, ["policy"])).policy, "{}");
        assert.equal((await cloud.update(made, said)).policy, undefined);
        // A value that another program set.
        cloud.trouble(project, { fills: { description: "by hand" } });
        const other = await cloud.create(project, { projectName: "other-logs" });
        const found = await cloud.read({ ...other, inputs: { ...other.inputs, description: "sms" } });
        assert.equal(found?.inputs.description, "by hand");
    });

    it("keeps networks apart and in their VPC, and a VPC as long as it is used", async () => {
        const network = await cloud.create(vpc, { vpcName: "shop", cidrBlock: "10.9.0.0/16" });
        const part = { vpcId: network.id, zoneId: zone, cidrBlock: "10.9.0.0/24" };
        const made = await cloud.create(vSwitch, part);
        await refuses(cloud.create(vSwitch, { ...part, zoneId: "cn-hangzhou-i" }), "InvalidCidrBlock.Overlapped");
        await refuses(cloud.create(vSwitch, { ...part, cidrBlock: "10.8.0.0/24" }), "InvalidCidrBlock.NotInVpc");
        await refuses(cloud.create(vSwitch, { ...part, zoneId: "cn-beijing-a", cidrBlock: "10.9.1.0/24" }), "InvalidZoneId.NotFound");
        await refuses(cloud.create(vpc, { cidrBlock: "8.8.0.0/16" }), "InvalidCidrBlock.Malformed");
        await refuses(cloud.delete(network), "DependencyViolation.VSwitch");
        await cloud.delete(made);
        await cloud.delete(network);
        assert.equal(await cloud.read(network), undefined);
    });

    it("detects changes by other programs", async () => {
        const network = await cloud.create(vpc, { vpcName: "shop", cidrBlock: "10.9.0.0/16" });
        await cloud.update({ ...network, inputs: network.inputs }, { vpcName: "other", cidrBlock: "10.9.0.0/16" });
        const found = await cloud.read(network);
        assert.deepEqual(found?.inputs, { vpcName: "other", cidrBlock: "10.9.0.0/16" });
    });

    it("has a registry's namespaces and repositories in existing instances", async () => {
        const [namespaceType, repositoryType] = [
            "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace",
            "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo",
        ];
        await refuses(cloud.create(namespaceType, { instanceId: "cri-none", name: "team" }), "INSTANCE_NOT_EXIST");
        const namespace = await cloud.create(namespaceType, { instanceId: "cri-there", name: "team", autoCreate: false });
        const repository = { instanceId: "cri-there", namespace: "team", name: "sms", repoType: "PRIVATE", summary: "sms" };
        await refuses(cloud.create(repositoryType, { ...repository, namespace: "none" }), "NAMESPACE_NOT_EXIST");
        const made = await cloud.create(repositoryType, repository);
        assert.equal(made.id, "cri-there:team:sms");
        await refuses(cloud.delete(namespace), "NAMESPACE_NOT_EMPTY");
        await cloud.delete(made);
        await cloud.delete(namespace);
    });

    it("has projects and logstores for the stand-in of SLS", async () => {
        const project = await cloud.create("alicloud:log/project:Project", { projectName: "shop-logs" });
        const store = { projectName: "shop-logs", logstoreName: "sms", shardCount: 2, autoSplit: true, maxSplitShardCount: 64 };
        const made = await cloud.create("alicloud:log/store:Store", store);
        const file = join(cloud.folder, "logs/shop-logs/sms.jsonl");
        assert.ok(existsSync(file));
        const index = { project: "shop-logs", logstore: "sms", fullText: { token: " " } };
        await cloud.create("alicloud:log/storeIndex:StoreIndex", index);
        await refuses(cloud.create("alicloud:log/project:Project", { projectName: "shop-logs" }), "ProjectAlreadyExist");
        await refuses(cloud.update(made, { ...store, retentionPeriod: 4000 }), "ParameterInvalid");
        await cloud.delete(made);
        assert.ok(!existsSync(file));
        await cloud.delete(project);
    });

    it("returns a cluster's kubeconfig for its id, and an unusable one in a preview", async () => {
        const token = "alicloud:cs/getClusterCredential:getClusterCredential";
        await assert.rejects(cloud.provider.invoke(token, { clusterId: "c-none" }, false), /ErrorClusterNotFound/);
        const shown = plain(await cloud.provider.invoke(token, { clusterId: "c-none" }, true)) as Properties;
        assert.match(String(shown.kubeConfig), /https:\/\/127\.0\.0\.1:1"/);
        // The provider accepts any duration.
        assert.equal(
            (await cloud.provider.invoke(token, { clusterId: "c", temporaryDurationMinutes: 5 }, true)).temporaryDurationMinutes,
            5,
        );
        const open = await TestCloud.open({ clusters: { c1: __filename } });
        assert.match(String((await open.provider.invoke(token, { clusterId: "c1" }, false)).kubeConfig), /describe\(/);
        await open.close();
    });
});
