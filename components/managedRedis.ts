import { Account } from "@pulumi/alicloud/kvstore/account";
import { Instance } from "@pulumi/alicloud/kvstore/instance";
import * as pulumi from "@pulumi/pulumi";
import { hourAfter, leftToTheCloud, type ManagedStoreArgs, storeTimeouts } from "./managedStore";
import { cidrsOf, vSwitchIn } from "./network";
import type { Redis } from "./redis";

export interface ManagedRedisArgs extends ManagedStoreArgs {
    /** The account's name. */
    account: string;
}

/** Redis on Alibaba Cloud (`kvstore`), reachable in the VPC only. */
export class ManagedRedis extends pulumi.ComponentResource implements Redis {
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ManagedRedisArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:redis:Managed", name, {}, opts);

        const inputs = redisInstance(args);
        const instance = new Instance(`${name}-instance`, inputs, {
            parent: this,
            protect: args.protect,
            // The cloud fills them in, and the next `up` would migrate the store or rewrite its whitelist.
            customTimeouts: storeTimeouts,
            ignoreChanges: leftToTheCloud(inputs, ["secondaryZoneId", "securityIpGroupAttribute"]),
        });
        const account = new Account(
            `${name}-account`,
            {
                instanceId: instance.id,
                accountName: args.account,
                accountPassword: args.password,
                accountType: "Normal",
                // The most that Alibaba Cloud gives, and the least that can write: nothing of it manages the server.
                accountPrivilege: "RoleReadWrite",
            },
            // Not protected: it holds no data, and one by another name has to be able to take its place. That is made first, then
            // come the pods that use it, and the old one goes last of all.
            { parent: this },
        );

        this.url = redisUrl(instance, account, args);
        this.registerOutputs({ url: this.url });
    }
}

function redisInstance(args: ManagedStoreArgs) {
    return {
        dbInstanceName: args.instanceName,
        instanceClass: args.instanceClass,
        engineVersion: args.engineVersion,
        // Destroying a prepaid one would only make Pulumi forget it.
        paymentType: "PostPaid",
        zoneId: args.zone,
        secondaryZoneId: args.secondaryZone,
        vswitchId: vSwitchIn(args.network, args.zone),
        vpcAuthMode: "Open",
        securityIps: cidrsOf(args.network),
        sslEnable: args.tls === undefined ? undefined : args.tls ? "Enable" : "Disable",
        // A broker that evicts keys, or forgets them in a restart, loses tasks without a word.
        config: { "maxmemory-policy": "noeviction", appendonly: "yes" },
        backupPeriods: [...args.backup.days],
        backupTime: `${args.backup.from}-${hourAfter(args.backup.from)}`,
        maintainStartTime: args.maintenance.from,
        maintainEndTime: hourAfter(args.maintenance.from),
        instanceReleaseProtection: args.protect,
        tags: args.tags,
    };
}

/** TLS changes neither host nor port. Celery wants to read in the URL whether the certificate is checked. */
function redisUrl(instance: Instance, account: Account, { password, tls, caFile }: ManagedStoreArgs) {
    const authority = pulumi.interpolate`${account.accountName}:${password.apply(encodeURIComponent)}@${instance.connectionDomain}:${instance.privateConnectionPort}`;
    const ca = caFile === undefined ? "" : `&ssl_ca_certs=${encodeURIComponent(caFile)}`;
    return pulumi.secret(
        tls ? pulumi.interpolate`rediss://${authority}/0?ssl_cert_reqs=required${ca}` : pulumi.interpolate`redis://${authority}/0`,
    );
}
