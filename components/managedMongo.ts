import { Account } from "@pulumi/alicloud/mongodb/account";
import { Instance } from "@pulumi/alicloud/mongodb/instance";
import * as pulumi from "@pulumi/pulumi";
import { hourAfter, leftToTheCloud, type ManagedStoreArgs, storeTimeouts } from "./managedStore";
import type { Mongo } from "./mongo";
import { cidrsOf, vSwitchIn } from "./network";

export interface ManagedMongoArgs extends ManagedStoreArgs {
    /** In GB, a multiple of 10. */
    storageGb: number;
    /** `cloud_essd1` to `cloud_essd3`, or `cloud_auto`. */
    storageType: string;
    /** Nodes of the replica set. */
    nodes: number;
    /** The zone of a third node that serves no requests. */
    hiddenZone?: string;
    /** The backups that remain after the store is deleted. */
    backupsAfterDeletion: "none" | "last" | "all";
}

/** MongoDB on Alibaba Cloud: a replica set, reachable in the VPC only. */
export class ManagedMongo extends pulumi.ComponentResource implements Mongo {
    readonly url: pulumi.Output<string>;
    readonly id: pulumi.Output<string>;

    constructor(name: string, args: ManagedMongoArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:mongo:Managed", name, {}, opts);

        const own = { parent: this, protect: args.protect };
        const inputs = mongoInstance(args);
        const instance = new Instance(`${name}-instance`, inputs, {
            ...own,
            ignoreChanges: leftToTheCloud(inputs, filledIn),
            customTimeouts: storeTimeouts,
        });
        // A new replica set has this account, and Alibaba Cloud creates no other. The program sets its password.
        const account = new Account(
            `${name}-account`,
            { instanceId: instance.id, accountName: "root", accountPassword: args.password, characterType: "normal" },
            own,
        );

        this.url = mongoUrl(instance, account, args);
        this.id = instance.id;
        this.registerOutputs({ url: this.url, id: this.id });
    }
}

/**
 * Inputs that the cloud or a user of its console sets. The next `up` would revert them, and for the encryption it would replace the store.
 */
const filledIn = [
    "encrypted",
    "cloudDiskEncryptionKey",
    "hiddenZoneId",
    "secondaryZoneId",
    "securityIpGroups",
    "securityGroupId",
    "provisionedIops",
];

/** The API's number of each policy. */
const backupPolicies = { none: 0, last: 1, all: 2 };

function mongoInstance(args: ManagedMongoArgs) {
    return {
        name: args.instanceName,
        dbInstanceClass: args.instanceClass,
        engineVersion: args.engineVersion,
        dbInstanceStorage: args.storageGb,
        storageType: args.storageType,
        replicationFactor: args.nodes,
        // If a prepaid instance is destroyed, Pulumi only removes it from the state.
        instanceChargeType: "PostPaid",
        networkType: "VPC",
        vpcId: args.network.vpcId,
        vswitchId: vSwitchIn(args.network, args.zone),
        zoneId: args.zone,
        secondaryZoneId: args.secondaryZone,
        hiddenZoneId: args.hiddenZone,
        securityIpLists: cidrsOf(args.network),
        // Never `Close`: a new store has no TLS to close, and its API refuses the request.
        sslAction: args.tls ? "Open" : undefined,
        backupPeriods: [...args.backup.days],
        backupTime: `${args.backup.from}-${hourAfter(args.backup.from)}`,
        backupRetentionPolicyOnClusterDeletion: backupPolicies[args.backupsAfterDeletion],
        maintainStartTime: args.maintenance.from,
        maintainEndTime: hourAfter(args.maintenance.from),
        dbInstanceReleaseProtection: args.protect,
        tags: args.tags,
    };
}

/** The URL, from parts that Alibaba Cloud reports. The order of the hosts varies, so they are sorted to avoid a false change. */
function mongoUrl(instance: Instance, account: Account, { password, tls, caFile }: ManagedMongoArgs) {
    const hosts = instance.replicaSets.apply((members) =>
        members
            .filter(({ networkType }) => networkType === "VPC")
            .map(({ connectionDomain, connectionPort }) => `${connectionDomain}:${connectionPort}`)
            .sort()
            .join(","),
    );
    const ca = caFile === undefined ? "" : `&tlsCAFile=${encodeURIComponent(caFile)}`;
    return pulumi.secret(
        pulumi.interpolate`mongodb://${account.accountName}:${password.apply(encodeURIComponent)}@${hosts}/sms?replicaSet=${instance.replicaSetName}&authSource=admin${tls ? `&tls=true${ca}` : ""}`,
    );
}
