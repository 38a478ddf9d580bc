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
    readonly id: pulumi.Output<string>;

    constructor(name: string, args: ManagedRedisArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:redis:Managed", name, {}, opts);

        const inputs = redisInstance(args);
        const instance = new Instance(`${name}-instance`, inputs, {
            parent: this,
            protect: args.protect,
            customTimeouts: storeTimeouts,
            // The cloud sets the ignored inputs. Otherwise the next `up` would migrate the store or rewrite its whitelist.
            ignoreChanges: leftToTheCloud(inputs, ["secondaryZoneId", "securityIpGroupAttribute"]),
        });
        const account = new Account(
            `${name}-account`,
            {
                instanceId: instance.id,
                accountName: args.account,
                accountPassword: args.password,
                accountType: "Normal",
                // The highest privilege that Alibaba Cloud gives, and the lowest that can write. It can't manage the server.
                accountPrivilege: "RoleReadWrite",
            },
            // Not protected, because it holds no data and an account with another name must be able to replace it. Pulumi creates the new
            // account first, then updates the pods that use it, and deletes the old account last.
            { parent: this },
        );

        this.url = redisUrl(instance, account, args);
        this.id = instance.id;
        this.registerOutputs({ url: this.url, id: this.id });
    }
}

function redisInstance(args: ManagedStoreArgs) {
    return {
        dbInstanceName: args.instanceName,
        instanceClass: args.instanceClass,
        engineVersion: args.engineVersion,
        // If a prepaid instance is destroyed, Pulumi only removes it from the state.
        paymentType: "PostPaid",
        zoneId: args.zone,
        secondaryZoneId: args.secondaryZone,
        vswitchId: vSwitchIn(args.network, args.zone),
        vpcAuthMode: "Open",
        securityIps: cidrsOf(args.network),
        sslEnable: args.tls === undefined ? undefined : args.tls ? "Enable" : "Disable",
        // A broker that evicts keys, or loses them in a restart, loses tasks without an error.
        config: { "maxmemory-policy": "noeviction", appendonly: "yes" },
        backupPeriods: [...args.backup.days],
        backupTime: `${args.backup.from}-${hourAfter(args.backup.from)}`,
        maintainStartTime: args.maintenance.from,
        maintainEndTime: hourAfter(args.maintenance.from),
        instanceReleaseProtection: args.protect,
        tags: args.tags,
    };
}

/** TLS changes neither host nor port. Celery requires the URL to say whether the certificate is checked. */
function redisUrl(instance: Instance, account: Account, { password, tls, caFile }: ManagedStoreArgs) {
    const authority = pulumi.interpolate`${account.accountName}:${password.apply(encodeURIComponent)}@${instance.connectionDomain}:${instance.privateConnectionPort}`;
    const ca = caFile === undefined ? "" : `&ssl_ca_certs=${encodeURIComponent(caFile)}`;
    return pulumi.secret(
        tls ? pulumi.interpolate`rediss://${authority}/0?ssl_cert_reqs=required${ca}` : pulumi.interpolate`redis://${authority}/0`,
    );
}
