import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { tables } from "../../../operations/alicloud/table";
import { sizeOf } from "../../../operations/classes";
import { writeWhole } from "../../machine/files";
import type { Properties } from "../../machine/provider/values";
import { refuseBadWhitelist } from "./addresses";
import { type Cloud, type Holding, madeUpId } from "./cloud";
import type { Description, Plain } from "./description";
import { end, ensureServer } from "./processes";
import { Refusal } from "./refusal";
import { admitAll, authorityFile, ensureCertificate, ensureFolder, findPlace, ownPassword, placeOf, redisType, refuseBusy } from "./stores";

/** Older instance classes, such as `redis.master.small.default`, are in no table. */
const unknownClassGb = 1;

const accountType = "alicloud:kvstore/account:Account";

/** The code with which a busy instance refuses a new account or password. The provider retries an account, but not a password. */
const busy = "IncorrectDBInstanceState";

/** The settings of Redis that `config` accepts here. The cloud accepts more. */
const parameters = new Set([
    "appendonly",
    "hash-max-ziplist-entries",
    "hash-max-ziplist-value",
    "hz",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "list-max-ziplist-size",
    "maxmemory-policy",
    "notify-keyspace-events",
    "set-max-intset-entries",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "timeout",
    "zset-max-ziplist-entries",
    "zset-max-ziplist-value",
]);

/** Redis on Alibaba Cloud: a redis-server with accounts, a whitelist, persistence and optional TLS. */
export const redisInstance: Description = {
    type: redisType,
    ...tables[redisType],
    outputs: { connectionDomain: "text", privateConnectionPort: "text", privateIp: "text", status: "text" },
    async order(cloud, inputs) {
        refuseOrder(cloud, inputs);
        const vSwitch = cloud.vSwitch(String(inputs.vswitchId));
        const id = madeUpId("r-bp1");
        const place = await findPlace(cloud, 6379, vSwitch);
        const domain = cloud.site.domain(id, "redis.rds.aliyuncs.com", place);
        return {
            id,
            outputs: {
                dbInstanceName: id,
                engineVersion: "5.0",
                paymentType: "PostPaid",
                zoneId: vSwitch.zoneId,
                sslEnable: "Disable",
                connectionDomain: domain,
                privateConnectionPort: String(place.port),
                privateIp: place.address,
            },
            inner: { place: { ...place }, domain },
        };
    },
    provide: async (cloud, holding, inputs) => {
        if (inputs.password !== undefined) {
            holding.inner.passwordHash = hashOf(String(inputs.password));
        }
        cloud.keep(holding);
        await serveRedis(cloud, holding);
    },
    refuseSetup(_holding, { securityIps, config }) {
        refuseBadWhitelist((securityIps as string[] | undefined) ?? []);
        const unknown = Object.keys((config as Properties | undefined) ?? {}).filter((name) => !parameters.has(name));
        if (unknown.length > 0) {
            throw new Refusal("InvalidConfig.Malformed", `These parameters are not known here: ${unknown.join(", ")}.`);
        }
    },
    refuseUpdate(cloud, holding, news, state) {
        // The provider sends every input that its state doesn't have. The API refuses this one first.
        if (news.paymentType !== undefined && state.paymentType === undefined) {
            throw new Refusal("InvalidChargeType.NotSupport", `The instance ${holding.id} is ${news.paymentType} already.`);
        }
        const [before, after] = [holding.inputs.engineVersion ?? "5.0", news.engineVersion ?? "5.0"];
        if (Number(after) < Number(before)) {
            throw new Refusal("InvalidEngineVersion.Malformed", `The engine version can't go back from ${before} to ${after}.`);
        }
        refuseOrder(cloud, news);
    },
    async release(cloud, holding) {
        if (holding.inputs.paymentType === "PrePaid") {
            return "kept";
        }
        if (holding.inputs.instanceReleaseProtection === true) {
            throw new Refusal("InvalidInstance.ReleaseProtection", `The release protection of the instance ${holding.id} is on.`);
        }
        await end(holding.id);
        await cloud.site.leave(placeOf(holding));
        rmSync(cloud.dataOf(holding), { recursive: true, force: true });
        for (const account of accountsOf(cloud, holding.id)) {
            cloud.forget(account);
        }
        cloud.forget(holding);
        await admitAll(cloud);
        return "gone";
    },
};

/** Throws a Refusal for orders that the provider accepts but the API refuses. */
function refuseOrder(cloud: Cloud, inputs: Plain): void {
    const { instanceClass, vswitchId, zoneId, secondaryZoneId } = inputs;
    if (!/^(redis|tair)\.[a-z0-9.]+$/.test(String(instanceClass ?? ""))) {
        throw new Refusal("InvalidInstanceClass.NotFound", `The specified instance class ${instanceClass} does not exist.`);
    }
    if (vswitchId === undefined) {
        throw new Refusal("InvalidNetworkType.NotSupport", "The classic network is no longer sold: a VSwitch is needed.");
    }
    const vSwitch = cloud.vSwitch(String(vswitchId));
    if (zoneId !== undefined && zoneId !== vSwitch.zoneId) {
        throw new Refusal("InvalidVSwitchId.ZoneMismatch", `The VSwitch ${vswitchId} lies in ${vSwitch.zoneId}, not in ${zoneId}.`);
    }
    if (secondaryZoneId !== undefined && secondaryZoneId === vSwitch.zoneId) {
        throw new Refusal("InvalidSecondaryZoneId", `The secondary zone ${secondaryZoneId} is the primary one too.`);
    }
}

/** An account in addition to the instance's own. It reads and writes all keys, but has no administrator's commands. */
export const redisAccount: Description = {
    type: accountType,
    ...tables[accountType],
    outputs: { status: "text" },
    async order(cloud, { instanceId, accountName, accountPassword }) {
        const instance = cloud.get(redisType, String(instanceId));
        if (instance === undefined) {
            throw new Refusal("InvalidInstanceId.NotFound", `The instance ${instanceId} is not found.`);
        }
        refuseBusy(cloud, instance, busy);
        if (Number(instance.inputs.engineVersion ?? "5.0") < 4) {
            throw new Refusal("InvalidEngineVersion", "Accounts need the engine version 4.0 or a later one.");
        }
        if (accountPassword === undefined) {
            throw new Refusal("MissingParameter", "One of the 'account_password' and 'kms_encrypted_password' should be set.");
        }
        const id = `${instanceId}:${accountName}`;
        if (cloud.get(accountType, id) !== undefined) {
            throw new Refusal("InvalidAccountName.Duplicate", `The account ${accountName} is there already.`);
        }
        return { id };
    },
    retried: busy,
    refuseUpdate(cloud, { inputs: { instanceId } }) {
        refuseBusy(cloud, cloud.get(redisType, String(instanceId)) as Holding, busy);
    },
    async provide(cloud, holding, { instanceId, accountPassword }) {
        holding.inner.passwordHash = hashOf(String(accountPassword));
        holding.status = "Available";
        cloud.keep(holding);
        await loadAccounts(cloud, cloud.get(redisType, String(instanceId)) as Holding);
    },
    async release(cloud, holding) {
        cloud.forget(holding);
        const instance = cloud.get(redisType, String(holding.inputs.instanceId));
        if (instance !== undefined) {
            await loadAccounts(cloud, instance);
        }
        return "gone";
    },
};

const accountsOf = (cloud: Cloud, instanceId: string) =>
    cloud.all(accountType).filter(({ inputs, inner }) => inputs.instanceId === instanceId && inner.passwordHash !== undefined);

const hashOf = (password: string) => createHash("sha256").update(password).digest("hex");

/** The cloud's own account. */
const ownUser = "cloud_own";

/** Starts the instance's server if it does not run, for example after a power cut. */
export async function serveRedis(cloud: Cloud, holding: Holding): Promise<void> {
    const folder = ensureFolder(cloud, holding);
    const place = placeOf(holding);
    await cloud.site.settle(place);
    const usesTls = ["Enable", "Update"].includes(String(holding.inputs.sslEnable));
    const tls = usesTls ? await ensureCertificate(cloud, folder, [String(holding.inner.domain)], place) : undefined;
    const configuration = join(folder, "redis.conf");
    const settings = settingsOf(cloud, holding, folder, tls);
    if (existsSync(configuration) && readFileSync(configuration, "utf8") !== settings) {
        await end(holding.id);
    }
    writeWhole(configuration, settings);
    writeWhole(join(folder, "users.acl"), accountLines(cloud, holding, folder));
    await ensureServer({
        id: holding.id,
        command: "/usr/bin/redis-server",
        args: [configuration],
        before: await cloud.site.before(),
        folder,
        isReady: async () => (await ask(folder, ["PING"]).catch(() => "")) === "PONG",
    });
    await loadAccounts(cloud, holding);
    await admitAll(cloud);
}

function settingsOf(
    cloud: Cloud,
    { inputs, inner }: Holding,
    folder: string,
    tls: { key: string; certificate: string } | undefined,
): string {
    const { address, port } = inner.place as { address: string; port: number };
    const given = Object.entries((inputs.config as Record<string, string> | undefined) ?? {});
    return [
        `bind ${address}`,
        ...(tls === undefined
            ? [`port ${port}`]
            : [
                  "port 0",
                  `tls-port ${port}`,
                  `tls-cert-file ${tls.certificate}`,
                  `tls-key-file ${tls.key}`,
                  `tls-ca-cert-file ${authorityFile(cloud)}`,
                  "tls-auth-clients no",
              ]),
        // Redis's own protected mode is off, because accounts and the whitelist control the access.
        "protected-mode no",
        // With a title, Redis overwrites its environment, and the machine would not recognize the process.
        "set-proc-title no",
        `unixsocket ${join(folder, "own.sock")}`,
        "unixsocketperm 700",
        `aclfile ${join(folder, "users.acl")}`,
        `dir ${folder}`,
        `maxmemory ${(sizeOf(String(inputs.instanceClass))?.memoryGb ?? unknownClassGb) * 1024}mb`,
        // The cloud's defaults.
        "appendonly yes",
        "maxmemory-policy volatile-lru",
        ...given.map(([name, value]) => `${name} ${JSON.stringify(value)}`),
        "",
    ].join("\n");
}

/** The rights of each role. No role has administrator's commands, because the cloud itself administers the instance. */
const rights: Record<string, string> = {
    RoleReadWrite: "~* &* +@all -@admin +client|list +slowlog|get +config|get",
    RoleReadOnly: "~* &* -@all +@read +@connection +@pubsub -publish +info",
    RoleRepl: "~* &* +@all -@admin +psync +replconf +client|list",
};

function accountLines(cloud: Cloud, { id, inputs, inner }: Holding, folder: string): string {
    const whole = rights.RoleReadWrite;
    const own = inner.passwordHash === undefined ? "off resetpass" : `on #${inner.passwordHash}`;
    const anybody = inputs.vpcAuthMode === "Close" ? "on nopass" : own;
    const accounts = accountsOf(cloud, id).map(
        (account) =>
            `user ${account.inputs.accountName} on #${account.inner.passwordHash} ${rights[String(account.inputs.accountPrivilege)]}`,
    );
    return [
        `user default ${anybody} ${whole}`,
        `user ${id} ${own} ${whole}`,
        ...accounts,
        `user ${ownUser} on #${hashOf(ownPassword(folder))} ~* &* +@all`,
        "",
    ].join("\n");
}

async function loadAccounts(cloud: Cloud, instance: Holding): Promise<void> {
    const folder = ensureFolder(cloud, instance);
    writeWhole(join(folder, "users.acl"), accountLines(cloud, instance, folder));
    await ask(folder, ["ACL", "LOAD"]);
}

/** Sends a command to the instance, as the cloud's own user and through a Unix socket. Returns the first line of the answer. */
async function ask(folder: string, command: readonly string[]): Promise<string> {
    const resp = (words: readonly string[]) =>
        `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
    const answer = await new Promise<string>((done, fail) => {
        let text = "";
        const socket = createConnection(join(folder, "own.sock"), () =>
            socket.end(resp(["AUTH", ownUser, ownPassword(folder)]) + resp(command)),
        );
        socket.setTimeout(5000, () => socket.destroy(new Error("Redis doesn't answer")));
        socket.on("data", (chunk) => {
            text += chunk;
        });
        socket.on("error", fail).on("close", () => done(text));
    });
    const [, line = ""] = answer.split("\r\n");
    if (line.startsWith("-")) {
        throw new Error(`Redis: ${line.slice(1)}`);
    }
    return line.slice(1);
}
