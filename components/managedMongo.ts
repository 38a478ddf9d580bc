import { Account } from "@pulumi/alicloud/mongodb/account";
import { Instance } from "@pulumi/alicloud/mongodb/instance";
import * as pulumi from "@pulumi/pulumi";
import { hourAfter, type ManagedStoreArgs } from "./managedStore";
import type { Mongo } from "./mongo";
import { cidrsOf, vSwitchIn } from "./network";

export interface ManagedMongoArgs extends ManagedStoreArgs {
    /** In steps of 10. */
    storageGb: number;
    /** `cloud_essd1` to `cloud_essd3`, or `cloud_auto`. */
    storageType: string;
    /** Nodes of the replica set. */
    nodes: number;
    /** Where a third node is, without a part in serving. */
    hiddenZone?: string;
}

/** MongoDB on Alibaba Cloud: a replica set, reachable in the VPC only. */
export class ManagedMongo extends pulumi.ComponentResource implements Mongo {
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ManagedMongoArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:mongo:Managed", name, {}, opts);

        const own = { parent: this, protect: args.protect };
        const instance = new Instance(`${name}-instance`, mongoInstance(args), own);
        // A replica set comes with this one account, and Alibaba Cloud makes no other: its password is ours to set.
        const account = new Account(
            `${name}-account`,
            { instanceId: instance.id, accountName: "root", accountPassword: args.password, characterType: "normal" },
            own,
        );

        this.url = mongoUrl(instance, account, args);
        this.registerOutputs({ url: this.url });
    }
}

function mongoInstance(args: ManagedMongoArgs) {
    return {
        name: args.instanceName,
        dbInstanceClass: args.instanceClass,
        engineVersion: args.engineVersion,
        dbInstanceStorage: args.storageGb,
        storageType: args.storageType,
        replicationFactor: args.nodes,
        // Destroying a prepaid one would only make Pulumi forget it.
        instanceChargeType: "PostPaid",
        networkType: "VPC",
        vpcId: args.network.vpcId,
        vswitchId: vSwitchIn(args.network, args.zone),
        zoneId: args.zone,
        secondaryZoneId: args.secondaryZone,
        hiddenZoneId: args.hiddenZone,
        securityIpLists: cidrsOf(args.network),
        sslAction: args.tls === undefined ? undefined : args.tls ? "Open" : "Close",
        backupPeriods: [...args.backup.days],
        backupTime: `${args.backup.from}-${hourAfter(args.backup.from)}`,
        maintainStartTime: args.maintenance.from,
        maintainEndTime: hourAfter(args.maintenance.from),
        dbInstanceReleaseProtection: args.protect,
        tags: args.tags,
    };
}

/** Alibaba Cloud gives the parts; in an order of its own, which must not look like a change. */
function mongoUrl(instance: Instance, account: Account, { password, tls, tlsCaFile }: ManagedMongoArgs) {
    const hosts = instance.replicaSets.apply((members) =>
        members
            .filter(({ networkType }) => networkType === "VPC")
            .map(({ connectionDomain, connectionPort }) => `${connectionDomain}:${connectionPort}`)
            .sort()
            .join(","),
    );
    const caFile = tlsCaFile === undefined ? "" : `&tlsCAFile=${encodeURIComponent(tlsCaFile)}`;
    return pulumi.secret(
        pulumi.interpolate`mongodb://${account.accountName}:${password.apply(encodeURIComponent)}@${hosts}/sms?replicaSet=${instance.replicaSetName}&authSource=admin${tls ? `&tls=true${caFile}` : ""}`,
    );
}
