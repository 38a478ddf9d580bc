import { randomInt } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tables } from "../../../operations/alicloud/table";
import { built } from "../../../toolchain/goModules";
import { writeWhole } from "../../machine/files";
import { refuseBadWhitelist } from "./addresses";
import { type Cloud, type Holding, madeUpId } from "./cloud";
import type { Description, Plain } from "./description";
import { end, ensureServer } from "./processes";
import { Refusal } from "./refusal";
import { admitAll, ensureCertificate, ensureFolder, findPlace, mongoType, ownPassword, placeOf, refuseBusy } from "./stores";

const busy = "OperationDenied.DBInstanceStatus";

/** MongoDB on Alibaba Cloud. Here it is FerretDB on SQLite, with the root account, a whitelist and optional TLS. */
export const mongoInstance: Description = {
    type: mongoType,
    ...tables[mongoType],
    outputs: { replicaSetName: "text", replicaSets: "objects", sslStatus: "text", retentionPeriod: "whole" },
    async order(cloud, inputs) {
        refuseOrder(cloud, inputs);
        const vSwitch = cloud.vSwitch(String(inputs.vswitchId));
        const id = madeUpId("dds-bp1");
        const place = await findPlace(cloud, 3717, vSwitch);
        const replicaSetName = `mgset-${randomInt(10_000_000, 99_999_999)}`;
        const nodes = [
            { role: "Primary", suffix: "41" },
            { role: "Secondary", suffix: "42" },
        ].map(({ role, suffix }) => ({
            vswitchId: String(inputs.vswitchId),
            vpcId: vSwitch.vpcId,
            networkType: "VPC",
            vpcCloudInstanceId: `${id}${suffix}`,
            replicaSetRole: role,
            roleId: suffix,
            connectionDomain: cloud.site.domain(`${id}${suffix}`, "mongodb.rds.aliyuncs.com", place),
            connectionPort: String(place.port),
        }));
        return {
            id,
            outputs: {
                storageEngine: "WiredTiger",
                storageType: "cloud_essd1",
                replicationFactor: 3,
                instanceChargeType: "PostPaid",
                networkType: "VPC",
                vpcId: vSwitch.vpcId,
                zoneId: vSwitch.zoneId,
                replicaSetName,
                // The cloud returns the nodes in no fixed order.
                replicaSets: nodes.reverse(),
                sslStatus: "Closed",
                retentionPeriod: 7,
            },
            inner: { place: { ...place }, replicaSetName, domains: nodes.map(({ connectionDomain }) => connectionDomain) },
        };
    },
    provide: async (cloud, holding, { accountPassword, sslAction }) => {
        if (sslAction !== undefined) {
            holding.outputs.sslStatus = sslAction === "Close" ? "Closed" : "Open";
        }
        await serveMongo(cloud, holding);
        if (accountPassword !== undefined) {
            await setPassword(cloud, holding, String(accountPassword));
        }
    },
    refuseSetup({ outputs }, { backupTime, backupPeriods, sslAction }) {
        if ((backupTime === undefined) !== (backupPeriods === undefined)) {
            throw new Refusal("InvalidPreferredBackupPeriod", "A backup has days of the week and a time, both.");
        }
        if (sslAction === "Close" && outputs.sslStatus !== "Open") {
            throw new Refusal("InvalidSSLStatus", "The SSL encryption of the instance is not open.");
        }
    },
    refuseUpdate(cloud, holding, news) {
        if (Number(news.engineVersion) < Number(holding.inputs.engineVersion)) {
            throw new Refusal(
                "InvalidEngineVersion.Malformed",
                `The engine version can't go back from ${holding.inputs.engineVersion} to ${news.engineVersion}.`,
            );
        }
        if (Number(news.dbInstanceStorage) < Number(holding.inputs.dbInstanceStorage)) {
            throw new Refusal("InvalidStorage.Malformed", "Cloud disks grow and don't shrink.");
        }
        const disk = holding.inputs.storageType ?? holding.outputs.storageType;
        if (news.storageType !== undefined && news.storageType !== disk && news.storageType !== "cloud_auto") {
            throw new Refusal("InvalidStorageType", `The storage type can't be changed from ${disk} to ${news.storageType}.`);
        }
        refuseOrder(cloud, news);
    },
    async release(cloud, holding) {
        if (holding.inputs.instanceChargeType === "PrePaid") {
            return "kept";
        }
        if (holding.inputs.dbInstanceReleaseProtection === true) {
            throw new Refusal("OperationDenied.ReleaseProtection", `The release protection of the instance ${holding.id} is on.`);
        }
        await end(holding.id);
        await cloud.site.leave(placeOf(holding));
        rmSync(cloud.dataOf(holding), { recursive: true, force: true });
        cloud.forget(holding);
        await admitAll(cloud);
        return "gone";
    },
};

/** Throws a Refusal for orders that the provider accepts but the API refuses. */
function refuseOrder(cloud: Cloud, inputs: Plain): void {
    const { engineVersion, dbInstanceClass, dbInstanceStorage, storageType, networkType, vswitchId, zoneId } = inputs;
    const { secondaryZoneId, hiddenZoneId, securityIpLists } = inputs;
    if (!/^(dds|mdb)\.[a-z0-9.]+$/.test(String(dbInstanceClass))) {
        throw new Refusal("InvalidDBInstanceClass.NotFound", `The specified instance class ${dbInstanceClass} does not exist.`);
    }
    if (Number(dbInstanceStorage) < 20 || Number(dbInstanceStorage) % 10 !== 0) {
        throw new Refusal("InvalidStorage.Format", `The storage of ${dbInstanceStorage} GB is less than 20 or no multiple of 10.`);
    }
    if (storageType === "local_ssd") {
        throw new Refusal("InvalidStorageType", `The engine version ${engineVersion} lies on cloud disks, not on local_ssd.`);
    }
    if (networkType === "Classic" || vswitchId === undefined) {
        throw new Refusal("InvalidNetworkType.NotSupport", "The classic network is no longer sold: a VSwitch is needed.");
    }
    const vSwitch = cloud.vSwitch(String(vswitchId));
    if (zoneId !== undefined && zoneId !== vSwitch.zoneId) {
        throw new Refusal("InvalidZoneId.Mismatch", `The specified vswitch ${vswitchId} isn't in the zone ${zoneId}.`);
    }
    if (inputs.vpcId !== undefined && inputs.vpcId !== vSwitch.vpcId) {
        throw new Refusal("InvalidVPCId.Mismatch", `The VSwitch ${vswitchId} lies in ${vSwitch.vpcId}, not in ${inputs.vpcId}.`);
    }
    const zones = [vSwitch.zoneId, secondaryZoneId, hiddenZoneId].filter((zone) => zone !== undefined);
    if (new Set(zones).size < zones.length) {
        throw new Refusal("InvalidZoneId.Duplicate", `The primary, secondary and hidden nodes' zones are not three: ${zones.join(", ")}.`);
    }
    if ((secondaryZoneId === undefined) !== (hiddenZoneId === undefined)) {
        throw new Refusal("InvalidZoneId.NotSupport", "Double-zone deployment is not enabled: name the secondary and the hidden zone.");
    }
    refuseBadWhitelist((securityIpLists as string[] | undefined) ?? []);
}

/** The root account's password. The provider can create no other account. */
export const mongoAccount: Description = {
    type: "alicloud:mongodb/account:Account",
    ...tables["alicloud:mongodb/account:Account"],
    outputs: { status: "text" },
    async order(cloud, { instanceId, accountName }) {
        const instance = cloud.get(mongoType, String(instanceId));
        if (instance === undefined) {
            throw new Refusal("InvalidDBInstanceId.NotFound", `The instance ${instanceId} is not found.`);
        }
        refuseBusy(cloud, instance, busy);
        return { id: `${instanceId}:${accountName}`, outputs: { characterType: "normal" } };
    },
    refuseUpdate(cloud, { inputs: { instanceId } }) {
        refuseBusy(cloud, cloud.get(mongoType, String(instanceId)) as Holding, busy);
    },
    async provide(cloud, holding, { instanceId, accountPassword }) {
        await setPassword(cloud, cloud.get(mongoType, String(instanceId)) as Holding, String(accountPassword));
        holding.status = "Available";
    },
    // The provider removes the account from the state. The cloud keeps the account.
    release: async (cloud, holding) => {
        cloud.forget(holding);
        return "gone";
    },
};

const ownUser = "cloud-own";

/** Starts the instance's server if it does not run, for example after a power cut. */
export async function serveMongo(cloud: Cloud, holding: Holding): Promise<void> {
    const folder = ensureFolder(cloud, holding);
    const place = placeOf(holding);
    await cloud.site.settle(place);
    const usesTls = holding.outputs.sslStatus === "Open";
    const tls = usesTls ? await ensureCertificate(cloud, folder, holding.inner.domains as string[], place) : undefined;
    const listens = `${place.address}:${place.port}`;
    const args = [
        "--handler=sqlite",
        `--sqlite-url=file:${folder}/`,
        `--state-dir=${folder}`,
        `--listen-unix=${join(folder, "own.sock")}`,
        ...(tls === undefined
            ? [`--listen-addr=${listens}`]
            : [
                  "--listen-addr=",
                  `--listen-tls=${listens}`,
                  `--listen-tls-cert-file=${tls.certificate}`,
                  `--listen-tls-key-file=${tls.key}`,
              ]),
        `--repl-set-name=${holding.inner.replicaSetName}`,
        "--debug-addr=-",
        "--telemetry=disable",
        "--log-level=WARN",
        // FerretDB checks passwords itself only with this option. SQLite has no accounts.
        "--test-enable-new-auth",
        "--setup-database=admin",
        `--setup-username=${ownUser}`,
    ];
    const lastArgs = join(folder, "args.json");
    if (existsSync(lastArgs) && readFileSync(lastArgs, "utf8") !== JSON.stringify(args)) {
        await end(holding.id);
    }
    writeWhole(lastArgs, JSON.stringify(args));
    await ensureServer({
        id: holding.id,
        command: join(await built("ferretdb"), "ferretdb"),
        args,
        before: await cloud.site.before(),
        env: { FERRETDB_SETUP_PASSWORD: ownPassword(folder), TMPDIR: folder },
        folder,
        isReady: () =>
            command(folder, { ping: 1 }).then(
                () => true,
                () => false,
            ),
    });
    await admitAll(cloud);
}

async function setPassword(cloud: Cloud, instance: Holding, password: string): Promise<void> {
    const folder = ensureFolder(cloud, instance);
    const { users } = (await command(folder, { usersInfo: 1 })) as { users: { user: string }[] };
    const verb = users.some(({ user }) => user === "root") ? { updateUser: "root" } : { createUser: "root", roles: [] };
    await command(folder, { ...verb, pwd: password });
}

/** Runs a command in the instance's admin database, as the cloud's own user and through a Unix socket. */
async function command(folder: string, words: Record<string, unknown>): Promise<unknown> {
    const socket = join(folder, "own.sock");
    if (!existsSync(socket)) {
        throw new Error(`There is no ${socket}`);
    }
    // Loaded here, not at the top, so that previews don't wait for it.
    const { MongoClient } = await import("mongodb");
    const user = `${ownUser}:${encodeURIComponent(ownPassword(folder))}`;
    const client = new MongoClient(`mongodb://${user}@${encodeURIComponent(socket)}/?authSource=admin&directConnection=true`, {
        serverSelectionTimeoutMS: 2000,
    });
    try {
        return await client.db("admin").command(words);
    } finally {
        await client.close();
    }
}
