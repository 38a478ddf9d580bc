import { strict as assert } from "node:assert";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { MongoClient } from "mongodb";
import { ownProcesses } from "../../lab/machine/daemons";
import { ensurePackages } from "../../lab/machine/host";
import { HalfMade } from "../../lab/machine/provider/serve";
import { type Properties, plain } from "../../lab/machine/provider/values";
import { built } from "../../toolchain/goModules";
import { until } from "../../toolchain/progress";
import { type Made, TestCloud, vswitchId, zone } from "./cloud";

const redis = "alicloud:kvstore/instance:Instance";
const redisAccount = "alicloud:kvstore/account:Account";
const mongo = "alicloud:mongodb/instance:Instance";
const mongoAccount = "alicloud:mongodb/account:Account";
const password = "Passw0rd!";

const pidOf = ({ id }: Made) => ownProcesses().find(({ daemon }) => daemon === `alicloud ${id}`)?.pid;

describe("Redis at the cloud's stand-in", function () {
    this.timeout(60_000);
    let cloud: TestCloud;
    before(async function () {
        this.timeout(600_000);
        await ensurePackages("tests");
    });
    beforeEach(async () => {
        cloud = await TestCloud.open();
    });
    afterEach(() => cloud?.close());

    const order: Properties = {
        instanceClass: "redis.shard.large.ce",
        engineVersion: "7.0",
        vswitchId,
        config: { "maxmemory-policy": "noeviction", appendonly: "yes" },
    };

    /** Returns the output of redis-cli. The password is in its environment, not in its arguments. */
    async function ask({ outputs }: Made, user: string, secret: string, ...command: string[]): Promise<string> {
        const { connectionDomain, privateConnectionPort } = plain(outputs) as Record<string, string>;
        const place = ["-h", String(connectionDomain), "-p", String(privateConnectionPort)];
        const { stdout, stderr } = await execa("redis-cli", [...place, "--no-auth-warning", "--user", user, ...command], {
            env: { REDISCLI_AUTH: secret },
            reject: false,
        });
        return stdout || stderr;
    }
    const account = (instance: Made, more: Properties = {}) =>
        cloud.create(redisAccount, { instanceId: instance.id, accountName: "sms", accountPassword: password, ...more });

    it("is a server that only the account can use", async () => {
        const instance = await cloud.create(redis, order);
        const sms = await account(instance);
        assert.equal(sms.id, `${instance.id}:sms`);
        assert.equal(await ask(instance, "sms", password, "SET", "a", "1"), "OK");
        assert.match(await ask(instance, "sms", "Wr0ngone!", "GET", "a"), /NOAUTH/);
        assert.match(await ask(instance, "default", "", "GET", "a"), /WRONGPASS|NOAUTH/);
        assert.match(await ask(instance, "sms", password, "ACL", "LIST"), /NOPERM/);
        assert.match(await ask(instance, "sms", password, "SHUTDOWN"), /NOPERM/);
        assert.equal(await ask(instance, "sms", password, "CONFIG", "GET", "maxmemory-policy"), "maxmemory-policy\nnoeviction");
        assert.equal(await ask(instance, "sms", password, "CONFIG", "GET", "maxmemory"), `maxmemory\n${4096 * 2 ** 20}`);
    });

    it("lets an account only read if its privilege says so", async () => {
        const instance = await cloud.create(redis, order);
        await account(instance, { accountPrivilege: "RoleReadOnly" });
        assert.match(await ask(instance, "sms", password, "SET", "a", "1"), /NOPERM/);
        assert.equal(await ask(instance, "sms", password, "GET", "a"), "");
    });

    it("accepts a new password at once, and has no password in its files or its command line", async () => {
        const instance = await cloud.create(redis, { ...order, password });
        const sms = await account(instance);
        assert.equal(await ask(instance, instance.id, password, "PING"), "PONG");
        await cloud.update(sms, { instanceId: instance.id, accountName: "sms", accountPassword: "N3wpassword" });
        assert.match(await ask(instance, "sms", password, "PING"), /NOAUTH/);
        assert.equal(await ask(instance, "sms", "N3wpassword", "PING"), "PONG");
        const { stdout } = await execa("grep", ["-rlE", `${password}|N3wpassword`, cloud.folder], { reject: false });
        assert.equal(stdout, "");
        assert.ok(!readFileSync(`/proc/${pidOf(instance)}/cmdline`, "utf8").includes(password));
        assert.ok(!JSON.stringify(sms.outputs.accountPassword).startsWith('"'));
    });

    it("refuses a new password while it is busy, but accepts a new account afterwards: the provider itself waits for that", async () => {
        const instance = await cloud.create(redis, order);
        const sms = await account(instance);
        cloud.trouble(redis, { isBusy: true });
        const changed = { instanceId: instance.id, accountName: "sms", accountPassword: "N3wpassword" };
        await assert.rejects(cloud.update(sms, changed), /Code: IncorrectDBInstanceState Message: The instance r-\S+ is Changing\./);
        const other = account(instance, { accountName: "sms2" });
        await new Promise((done) => setTimeout(done, 300));
        cloud.trouble(redis, {});
        await other;
        await cloud.update(sms, changed);
        assert.equal(await ask(instance, "sms", "N3wpassword", "PING"), "PONG");
        assert.equal(await ask(instance, "sms2", password, "PING"), "PONG");
    });

    it("still has its keys after its process was killed", async () => {
        const instance = await cloud.create(redis, order);
        await account(instance);
        await ask(instance, "sms", password, "SET", "kept", "1");
        const written = /^aof_buffer_length:0\r?$/m;
        await until(
            async () => written.test(await ask(instance, "sms", password, "INFO", "persistence")),
            20,
            () => "Redis doesn't write the key to its file",
        );
        process.kill(pidOf(instance) as number, "SIGKILL");
        await cloud.update(instance, order);
        assert.equal(await ask(instance, "sms", password, "GET", "kept"), "1");
    });

    it("is found even if its environment has no = for a moment after its start", async () => {
        const become = `
            from ctypes import CDLL, c_char_p
            strings = lambda *given: (c_char_p * (len(given) + 1))(*given)
            CDLL(None).execve(b"/bin/sleep", strings(b"sleep", b"60"), strings(b"A", b"b", b"SMS_MACHINE_DAEMON", b"alicloud r-bp1"))`;
        const server = execa("python3", ["-c", become.replaceAll(/^ +/gm, "")], { reject: false });
        try {
            await until(
                async () => ownProcesses().some(({ pid, daemon }) => pid === server.pid && daemon === "alicloud r-bp1"),
                5,
                () => `it isn't found by ${readFileSync(`/proc/${server.pid}/environ`, "latin1")}`,
            );
        } finally {
            server.kill("SIGKILL");
            await server;
        }
    });

    it("speaks only TLS if asked, with a certificate of the cloud's authority", async () => {
        const instance = await cloud.create(redis, { ...order, sslEnable: "Enable" });
        await account(instance);
        assert.notEqual(await ask(instance, "sms", password, "PING"), "PONG");
        const authority = join(cloud.folder, "ca.pem");
        assert.equal(await ask(instance, "sms", password, "--tls", "--cacert", authority, "PING"), "PONG");
        await cloud.update(instance, { ...order, sslEnable: "Disable" });
        assert.equal(await ask(instance, "sms", password, "PING"), "PONG");
    });

    it("can't be deleted while the release protection is on", async () => {
        const instance = await cloud.create(redis, { ...order, instanceReleaseProtection: true });
        await assert.rejects(cloud.delete(instance), /ReleaseProtection/);
        assert.ok(pidOf(instance));
        await cloud.update(instance, { ...order, instanceReleaseProtection: false });
        await cloud.delete(instance);
        assert.equal(pidOf(instance), undefined);
        assert.equal(await cloud.read(instance), undefined);
        assert.ok(!existsSync(cloud.dataOf(instance)));
    });

    it("is kept without a message if it was paid in advance", async () => {
        const instance = await cloud.create(redis, { ...order, paymentType: "PrePaid", period: "1" });
        await cloud.delete(instance);
        assert.ok(pidOf(instance));
    });

    it("can be upgraded in place, but not downgraded", async () => {
        const instance = await cloud.create(redis, { ...order, engineVersion: "6.0" });
        assert.deepEqual(cloud.changes(instance, order), [{ property: "engineVersion", kind: "update", replaces: false }]);
        await cloud.update(instance, order);
        await assert.rejects(cloud.update(instance, { ...order, engineVersion: "6.0" }), /can't go back from 7.0 to 6.0/);
    });

    it("is refused without leftovers if the cloud has no capacity", async () => {
        cloud.trouble(redis, { refusal: "The zone is sold out." });
        await assert.rejects(cloud.create(redis, order), /Code: OperationDenied Message: The zone is sold out\./);
        assert.ok(!existsSync(join(cloud.folder, "holdings")));
    });

    it("exists after a refused setup call, with only its id and tags in the state", async () => {
        cloud.trouble(redis, { halfWay: "The instance is busy." });
        const instance = await cloud.createHalf(redis, { ...order, tags: { product: "sms" } });
        assert.deepEqual(instance.outputs, { id: instance.id, tags: { product: "sms" } });
        assert.ok(pidOf(instance));
    });

    it("gets all its settings again in the next update, which the cloud refuses", async () => {
        cloud.trouble(redis, { halfWay: "The instance is busy." });
        const whole = { ...order, paymentType: "PostPaid" };
        const instance = await cloud.createHalf(redis, whole);
        const changes = cloud.changes(instance, whole);
        assert.deepEqual(
            changes.filter(({ replaces }) => replaces),
            [],
        );
        assert.ok(changes.some(({ property }) => property === "instanceClass"));
        await assert.rejects(cloud.update(instance, whole), /is PostPaid already/);
    });

    it("is finished in place by the next update after it was read again", async () => {
        cloud.trouble(redis, { halfWay: "The instance is busy." });
        const whole = { ...order, paymentType: "PostPaid", securityIps: ["127.0.0.1"] };
        const instance = await cloud.createHalf(redis, whole);
        await cloud.refresh(instance);
        assert.deepEqual(
            cloud.changes(instance, whole).filter(({ replaces }) => replaces),
            [],
        );
        assert.ok(!cloud.changes(instance, whole).some(({ property }) => property === "instanceClass"));
        await cloud.update(instance, whole);
        assert.deepEqual(cloud.changes(instance, whole), []);
        await account(instance);
        assert.equal(await ask(instance, "sms", password, "CONFIG", "GET", "maxmemory-policy"), "maxmemory-policy\nnoeviction");
        await cloud.delete(instance);
    });

    it("is half made if the API refuses a setting", async () => {
        const settings: Properties[] = [
            { config: { "max-memory": "1" } },
            { securityIps: ["10.0.0.0/33"] },
            { backupPeriods: ["Someday"] },
        ];
        for (const bad of settings) {
            const instance = await cloud.createHalf(redis, { ...order, ...bad });
            assert.deepEqual(instance.outputs, { id: instance.id });
        }
    });

    it("waits as long as the provider does, faster by a factor", async () => {
        process.env.SMS_CLOUD_PACE = "0.001";
        try {
            const start = performance.now();
            await cloud.create(redis, { ...order, sslEnable: "Enable" });
            assert.ok(performance.now() - start > 900);
        } finally {
            delete process.env.SMS_CLOUD_PACE;
        }
    });

    it("takes some time, and exists even if the caller does not wait", async () => {
        cloud.trouble(redis, { seconds: 60 });
        const { inputs } = cloud.check(redis, order);
        const making = cloud.provider.create({ ...cloud.subject(redis), log: () => cloud.provider.cancel() }, inputs, false);
        await assert.rejects(
            making,
            (error) => error instanceof HalfMade && error.message.endsWith("canceled while the cloud was still working"),
        );
        assert.equal(readdirSync(join(cloud.folder, "holdings", "alicloud.kvstore.instance.Instance")).length, 1);
    });
});

describe("MongoDB at the cloud's stand-in", function () {
    this.timeout(60_000);
    let cloud: TestCloud;
    before(async function () {
        this.timeout(600_000);
        await built("ferretdb");
    });
    beforeEach(async () => {
        cloud = await TestCloud.open();
    });
    afterEach(() => cloud?.close());

    const order: Properties = { engineVersion: "7.0", dbInstanceClass: "mdb.shard.2x.large.d", dbInstanceStorage: 20, vswitchId };

    /** The URL, built from the outputs. */
    function urlOf({ outputs }: Made, secret: string, more = ""): string {
        const { replicaSets, replicaSetName } = plain(outputs) as unknown as {
            replicaSets: Record<string, string>[];
            replicaSetName: string;
        };
        const hosts = replicaSets
            .filter(({ networkType }) => networkType === "VPC")
            .map(({ connectionDomain, connectionPort }) => `${connectionDomain}:${connectionPort}`)
            .sort();
        return `mongodb://root:${encodeURIComponent(secret)}@${hosts.join(",")}/sms?replicaSet=${replicaSetName}&authSource=admin${more}`;
    }
    async function count(url: string): Promise<number> {
        const client = new MongoClient(url, { serverSelectionTimeoutMS: 3000 });
        try {
            await client.db("sms").collection("messages").insertOne({ text: "hello" });
            return await client.db("sms").collection("messages").countDocuments();
        } finally {
            await client.close();
        }
    }

    /** Why the client can't connect. The client itself would try again until its limit. */
    async function refusal(url: string): Promise<string> {
        const client = new MongoClient(url);
        try {
            const connected = client.connect().then(() => assert.fail("it connects"));
            const [{ failure }] = await Promise.race([once(client, "serverHeartbeatFailed"), connected]);
            return failure.message;
        } finally {
            await client.close();
        }
    }

    it("is a server with the root account, and its outputs make its URL", async () => {
        const instance = await cloud.create(mongo, order);
        await assert.rejects(count(urlOf(instance, password)), /Authentication failed/);
        const root = await cloud.create(mongoAccount, { instanceId: instance.id, accountName: "root", accountPassword: password });
        assert.equal(await count(urlOf(instance, password)), 1);
        const changed = { instanceId: instance.id, accountName: "root", accountPassword: "N3wpassword" };
        cloud.trouble(mongo, { isBusy: true });
        await assert.rejects(cloud.update(root, changed), /Code: OperationDenied\.DBInstanceStatus/);
        cloud.trouble(mongo, {});
        await cloud.update(root, changed);
        await assert.rejects(count(urlOf(instance, password)), /Authentication failed/);
        assert.equal(await count(urlOf(instance, "N3wpassword")), 2);
        await assert.rejects(count(urlOf(instance, "").replace("root:@", "")), /not authenticated|Authentication|requires authentication/i);
        const { stdout } = await execa("grep", ["-rlE", `${password}|N3wpassword`, cloud.folder], { reject: false });
        assert.equal(stdout, "");
    });

    it("still has its documents after its process was killed", async () => {
        const instance = await cloud.create(mongo, { ...order, accountPassword: password });
        assert.equal(await count(urlOf(instance, password)), 1);
        process.kill(pidOf(instance) as number, "SIGKILL");
        await cloud.update(instance, { ...order, accountPassword: password });
        assert.equal(await count(urlOf(instance, password)), 2);
    });

    it("speaks TLS if asked, with a certificate of the cloud's authority", async () => {
        const instance = await cloud.create(mongo, { ...order, accountPassword: password, sslAction: "Open" });
        const { sslStatus } = plain(instance.outputs) as Properties;
        assert.equal(sslStatus, "Open");
        const tls = `&tls=true&tlsCAFile=${encodeURIComponent(join(cloud.folder, "ca.pem"))}`;
        assert.equal(await count(urlOf(instance, password, tls)), 1);
        assert.match(await refusal(urlOf(instance, password, "&tls=true")), /certificate/);
        assert.match(await refusal(urlOf(instance, password)), /^connection .* closed$/);
    });

    it("exists after a refused setup call, with its id in the state, and is not replaced after it was read again", async () => {
        cloud.trouble(mongo, { halfWay: "The instance is busy." });
        const whole = { ...order, networkType: "VPC", vpcId: "vpc-there", zoneId: zone, name: "sms", tags: { product: "sms" } };
        const instance = await cloud.createHalf(mongo, whole);
        assert.deepEqual(instance.outputs, { id: instance.id });
        assert.deepEqual(
            cloud.changes(instance, whole).flatMap(({ property, replaces, deletesFirst }) => (replaces && deletesFirst ? [property] : [])),
            ["networkType", "vpcId", "vswitchId", "zoneId"],
        );
        await cloud.refresh(instance);
        assert.deepEqual(cloud.changes(instance, whole), [{ property: "tags", kind: "add", replaces: false }]);
        await cloud.update(instance, whole);
        assert.deepEqual(cloud.changes(instance, whole), []);
        const made = await cloud.create(mongoAccount, { instanceId: instance.id, accountName: "root", accountPassword: password });
        assert.equal(made.id, `${instance.id}:root`);
    });

    it("can't be deleted twice: the provider reports an error if it is already deleted", async () => {
        const instance = await cloud.create(mongo, order);
        await cloud.delete(instance);
        await assert.rejects(cloud.delete(instance), /InvalidDBInstanceId\.NotFound/);
    });

    it("gets no call to close encryption that was never open", async () => {
        const instance = await cloud.createHalf(mongo, { ...order, sslAction: "Close" });
        await cloud.refresh(instance);
        assert.equal(instance.outputs.sslStatus, "Closed");
    });

    it("can't be deleted while the release protection is on, and its storage never shrinks", async () => {
        const instance = await cloud.create(mongo, { ...order, dbInstanceReleaseProtection: true });
        await assert.rejects(cloud.delete(instance), /ReleaseProtection/);
        await cloud.update(instance, { ...order, dbInstanceStorage: 40 });
        await assert.rejects(cloud.update(instance, order), /Cloud disks grow and don't shrink/);
        const disk = (storageType: string) => ({ ...order, dbInstanceStorage: 40, storageType });
        await assert.rejects(cloud.update(instance, disk("cloud_essd2")), /can't be changed from cloud_essd1 to cloud_essd2/);
        await cloud.update(instance, disk("cloud_auto"));
        assert.deepEqual(
            cloud
                .changes(instance, { ...disk("cloud_auto"), zoneId: "cn-hangzhou-i" })
                .map(({ property, replaces }) => [property, replaces]),
            [["zoneId", true]],
        );
        await cloud.delete(instance);
        assert.equal(pidOf(instance), undefined);
    });
});
