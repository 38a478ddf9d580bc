/**
 * The inputs of each resource type, with their rules and behaviour in the official provider. `inputs.ts` applies them, the contract test
 * reads them, and `npm run inputs` writes docs/alicloud-inputs.md from them.
 *
 * Source: terraform-provider-alicloud 1.289.0, in the file that each table names: the schema, and the results of Check, Diff, Create
 * and Read in a plugin that was built from it. The API's rules are from Alibaba Cloud's documentation.
 */
import type { Inputs, Value } from "./inputKinds";
import { isStrong } from "./passwords";

export interface Table {
    /** The resource's name in error messages, such as `alicloud_kvstore_instance`. */
    readonly title: string;
    readonly source: string;
    readonly inputs: Inputs;
    /** The inputs that remain in the state if a call that configures the created resource is refused. Undefined: all inputs. */
    readonly leaves?: readonly string[];
    /** The deletion of a missing resource is an error. */
    readonly missesGone?: boolean;
    /** The provider's fixed waiting time, which does not depend on the cloud. `withTls` is added if the store uses TLS. */
    readonly seconds?: { readonly always: number; readonly withTls: number };
}

const weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/** The 24 hours in the form `00:00Z-01:00Z`. */
const hours = Array.from({ length: 24 }, (_, hour) => [hour, hour + 1].map((h) => `${String(h).padStart(2, "0")}:00Z`).join("-"));
const months = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36];
const visibilities = ["PUBLIC", "PRIVATE"];

/** The rule of both stores' APIs. */
const password = {
    code: "InvalidPassword.Format",
    accepts: (value: Value) => isStrong(String(value)),
    words: "The password is 8 to 32 characters long and has at least three of uppercase letters, lowercase letters, digits and special characters (!@#$%^&*()_+-=).",
};

/** Lowercase letters and digits, with single delimiters between them. */
function registryName(most: number) {
    return {
        code: "NAME_INVALID",
        accepts: (value: Value) => new RegExp(`^(?=.{2,${most}}$)[a-z0-9]+([._-][a-z0-9]+)*$`).test(String(value)),
        words: `A name has 2 to ${most} lowercase letters, digits and single delimiters (. _ -) between them.`,
    };
}

const backupDays = { code: "InvalidPreferredBackupPeriod", oneOf: weekdays };

export const tables = {
    "alicloud:vpc/network:Network": {
        title: "alicloud_vpc",
        source: "resource_alicloud_vpc.go",
        inputs: {
            vpcName: { kind: "text", isChosen: true },
            cidrBlock: { kind: "text", isChosen: true },
            description: { kind: "text", between: [1, 256] },
            resourceGroupId: { kind: "text", isChosen: true },
            tags: { kind: "map" },
        },
    },
    "alicloud:vpc/switch:Switch": {
        title: "alicloud_vswitch",
        source: "resource_alicloud_vswitch.go",
        inputs: {
            vswitchName: { kind: "text", isChosen: true },
            vpcId: { kind: "text", isRequired: true, replaces: true },
            zoneId: { kind: "text", isRequired: true, replaces: true },
            cidrBlock: { kind: "text", isRequired: true, replaces: true },
            description: { kind: "text", between: [1, 256] },
            tags: { kind: "map" },
        },
    },
    "alicloud:kvstore/instance:Instance": {
        title: "alicloud_kvstore_instance",
        source: "resource_alicloud_kvstore_instance.go",
        leaves: ["tags"],
        // Seconds after each call: CreateInstance 180, configuration 120, vpcAuthMode 120, backup 60, release protection 120.
        seconds: { always: 600, withTls: 300 },
        inputs: {
            dbInstanceName: { kind: "text", isChosen: true },
            instanceClass: { kind: "text" },
            instanceType: { kind: "text", oneOf: ["Memcache", "Redis"], replaces: "ifTold", defaultsTo: "Redis" },
            engineVersion: { kind: "text", oneOf: ["2.8", "4.0", "5.0", "6.0", "7.0"], isChosen: true },
            paymentType: { kind: "text", oneOf: ["PostPaid", "PrePaid"], isChosen: true },
            period: { kind: "text", oneOf: months.map(String).sort() },
            zoneId: { kind: "text", isChosen: true },
            secondaryZoneId: { kind: "text", fills: "cn-hangzhou-i" },
            vswitchId: { kind: "text" },
            vpcAuthMode: { kind: "text", oneOf: ["Close", "Open"], defaultsTo: "Open", isLater: true },
            password: { kind: "text", isSecret: true, isUntold: true, api: password },
            securityIps: { kind: "set", isChosen: true, isFilled: true, isLater: true },
            securityIpGroupName: { kind: "text", isChosen: true, isLater: true },
            securityIpGroupAttribute: { kind: "text", isLater: true, fills: "hidden" },
            sslEnable: { kind: "text", oneOf: ["Disable", "Enable", "Update"], isChosen: true, isLater: true },
            config: { kind: "map", isChosen: true, isFilled: true, isLater: true },
            backupPeriods: { kind: "set", isChosen: true, isLater: true, api: backupDays },
            backupTime: { kind: "text", isChosen: true, isLater: true },
            enableBackupLog: { kind: "whole", oneOf: [0, 1], defaultsTo: 0, isUntold: true, isLater: true },
            maintainStartTime: { kind: "text", isChosen: true, isLater: true },
            maintainEndTime: { kind: "text", isChosen: true, isLater: true },
            autoRenewPeriod: { kind: "whole", between: [1, 12], defaultsTo: 1, isQuiet: true, isUntold: true },
            forceUpgrade: { kind: "flag", defaultsTo: true, isUntold: true },
            orderType: { kind: "text", oneOf: ["DOWNGRADE", "UPGRADE"], defaultsTo: "UPGRADE", isUntold: true },
            effectiveTime: { kind: "text", oneOf: ["Immediately", "MaintainTime"], isUntold: true },
            instanceReleaseProtection: { kind: "flag", isLater: true },
            isAutoUpgradeOpen: { kind: "text", isChosen: true, isLater: true },
            resourceGroupId: { kind: "text", isChosen: true },
            tags: { kind: "map" },
        },
    },
    "alicloud:kvstore/account:Account": {
        title: "alicloud_kvstore_account",
        source: "resource_alicloud_kvstore_account.go",
        inputs: {
            instanceId: { kind: "text", isRequired: true, replaces: true },
            accountName: {
                kind: "text",
                isRequired: true,
                replaces: true,
                api: {
                    code: "InvalidAccountName.Format",
                    accepts: (value) => /^(?!(?:default|admin|root|cloud_own)$)[a-z][a-z0-9_]{0,99}$/.test(String(value)),
                    words: "The account name is reserved or has characters that it may not have.",
                },
            },
            accountPassword: { kind: "text", isSecret: true, isUntold: true, api: password },
            accountType: {
                kind: "text",
                replaces: true,
                defaultsTo: "Normal",
                api: { code: "InvalidAccountType.Malformed", oneOf: ["Normal"] },
            },
            accountPrivilege: {
                kind: "text",
                defaultsTo: "RoleReadWrite",
                api: { code: "InvalidAccountPrivilege.Malformed", oneOf: ["RoleReadOnly", "RoleReadWrite", "RoleRepl"] },
            },
            description: { kind: "text" },
        },
    },
    "alicloud:mongodb/instance:Instance": {
        title: "alicloud_mongodb_instance",
        source: "resource_alicloud_mongodb_instance.go",
        leaves: [],
        missesGone: true,
        seconds: { always: 120, withTls: 0 },
        inputs: {
            name: { kind: "text", between: [2, 256], isAutonamed: true },
            engineVersion: {
                kind: "text",
                isRequired: true,
                api: { code: "InvalidEngineVersion.Malformed", oneOf: ["4.4", "5.0", "6.0", "7.0", "8.0"] },
            },
            dbInstanceClass: { kind: "text", isRequired: true },
            dbInstanceStorage: { kind: "whole", isRequired: true },
            storageEngine: { kind: "text", oneOf: ["WiredTiger", "RocksDB"], replaces: true, isChosen: true },
            storageType: {
                kind: "text",
                oneOf: ["cloud_essd1", "cloud_essd2", "cloud_essd3", "cloud_auto", "local_ssd"],
                isChosen: true,
            },
            provisionedIops: { kind: "whole", between: [0, 50_000], fills: 3000 },
            replicationFactor: { kind: "whole", oneOf: [1, 3, 5, 7], isChosen: true },
            readonlyReplicas: { kind: "whole", between: [0, 5], isChosen: true },
            instanceChargeType: { kind: "text", oneOf: ["PrePaid", "PostPaid"], isChosen: true },
            period: { kind: "whole", oneOf: months, isChosen: true, isQuiet: true },
            networkType: { kind: "text", oneOf: ["Classic", "VPC"], replaces: true, isChosen: true },
            vpcId: { kind: "text", replaces: true, isChosen: true },
            vswitchId: { kind: "text", replaces: true, isChosen: true },
            zoneId: { kind: "text", replaces: true, isChosen: true },
            secondaryZoneId: { kind: "text", fills: "cn-hangzhou-i" },
            hiddenZoneId: { kind: "text", fills: "cn-hangzhou-j" },
            encrypted: { kind: "flag", replaces: true, fills: true },
            cloudDiskEncryptionKey: { kind: "text", replaces: true, fills: "key-of-the-account" },
            securityIpLists: { kind: "set", isChosen: true },
            securityIpGroups: {
                kind: {
                    each: {
                        securityIpGroupName: { kind: "text" },
                        securityIpGroupAttribute: { kind: "text" },
                        securityIpList: { kind: "text" },
                    },
                },
                isLater: true,
                fills: [{ securityIpGroupName: "dms", securityIpList: "10.255.0.1" }],
            },
            securityGroupId: { kind: "text", isLater: true, fills: "sg-of-the-console" },
            accountPassword: { kind: "text", isSecret: true, isUntold: true, api: password },
            sslAction: { kind: "text", oneOf: ["Open", "Close", "Update"], isUntold: true, isLater: true },
            backupPeriods: { kind: "set", isChosen: true, isLater: true, api: backupDays },
            backupTime: { kind: "text", oneOf: hours, isChosen: true, isLater: true },
            backupRetentionPeriod: { kind: "whole", isChosen: true, isLater: true },
            backupRetentionPolicyOnClusterDeletion: { kind: "whole", oneOf: [0, 1, 2], isLater: true },
            backupInterval: {
                kind: "text",
                oneOf: ["-1", "15", "30", "60", "120", "180", "240", "360", "480", "720"],
                isChosen: true,
                isLater: true,
            },
            snapshotBackupType: { kind: "text", oneOf: ["Standard", "Flash"], isChosen: true, isLater: true },
            maintainStartTime: { kind: "text", isChosen: true, isLater: true },
            maintainEndTime: { kind: "text", isChosen: true, isLater: true },
            effectiveTime: { kind: "text", oneOf: ["Immediately", "MaintainTime"], isUntold: true },
            dbInstanceReleaseProtection: { kind: "flag", isLater: true },
            resourceGroupId: { kind: "text", isChosen: true },
            tags: { kind: "map", isLater: true },
        },
    },
    "alicloud:mongodb/account:Account": {
        title: "alicloud_mongodb_account",
        source: "resource_alicloud_mongodb_account.go",
        inputs: {
            instanceId: { kind: "text", isRequired: true, replaces: true },
            accountName: {
                kind: "text",
                isRequired: true,
                replaces: true,
                api: { code: "InvalidAccountName.NotFound", oneOf: ["root"] },
            },
            accountPassword: { kind: "text", isRequired: true, isSecret: true, isUntold: true, api: password },
            accountDescription: { kind: "text", between: [2, 256] },
            characterType: { kind: "text", oneOf: ["mongos", "shards", "normal"], replaces: true, isChosen: true },
        },
    },
    "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace": {
        title: "alicloud_cr_ee_namespace",
        source: "resource_alicloud_cr_ee_namespace.go",
        inputs: {
            instanceId: { kind: "text", isRequired: true, replaces: true },
            name: { kind: "text", isAutonamed: true, replaces: true, api: registryName(120) },
            autoCreate: { kind: "flag" },
            defaultVisibility: { kind: "text", oneOf: visibilities, isChosen: true },
        },
    },
    "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo": {
        title: "alicloud_cr_ee_repo",
        source: "resource_alicloud_cr_ee_repo.go",
        inputs: {
            instanceId: { kind: "text", isRequired: true, replaces: true },
            namespace: { kind: "text", isRequired: true, replaces: true },
            name: { kind: "text", isAutonamed: true, replaces: true, api: registryName(64) },
            repoType: { kind: "text", isRequired: true, oneOf: visibilities },
            summary: { kind: "text", isRequired: true, api: { code: "SUMMARY_INVALID", between: [1, 100] } },
            detail: { kind: "text", api: { code: "DETAIL_INVALID", between: [1, 2000] } },
            tagImmutability: { kind: "flag", isChosen: true },
        },
    },
    "alicloud:log/project:Project": {
        title: "alicloud_log_project",
        source: "resource_alicloud_log_project.go",
        inputs: {
            projectName: {
                kind: "text",
                isChosen: true,
                replaces: true,
                refuses: (value) => (/\s/.test(String(value)) ? "project_name can't have spaces" : undefined),
                api: {
                    code: "ParameterInvalid",
                    accepts: (value) => /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(String(value)),
                    words: "The project name has 3 to 63 lowercase letters, digits and hyphens.",
                },
            },
            description: { kind: "text" },
            policy: { kind: "text", fills: "{}" },
            resourceGroupId: { kind: "text", isChosen: true },
            tags: { kind: "map" },
        },
    },
    "alicloud:log/store:Store": {
        title: "alicloud_log_store",
        source: "resource_alicloud_log_store.go",
        inputs: {
            projectName: { kind: "text", isChosen: true, replaces: true },
            logstoreName: {
                kind: "text",
                isChosen: true,
                replaces: true,
                api: {
                    code: "ParameterInvalid",
                    accepts: (value) => /^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/.test(String(value)),
                    words: "The logstore name has 3 to 63 lowercase letters, digits, hyphens and underscores.",
                },
            },
            retentionPeriod: { kind: "whole", defaultsTo: 30, api: { code: "ParameterInvalid", between: [1, 3650] } },
            shardCount: { kind: "whole", defaultsTo: 2, isQuiet: true },
            autoSplit: { kind: "flag" },
            maxSplitShardCount: { kind: "whole", between: [0, 256] },
            appendMeta: { kind: "flag", defaultsTo: true },
            enableWebTracking: { kind: "flag" },
            hotTtl: { kind: "whole", fills: 7 },
            infrequentAccessTtl: { kind: "whole" },
            telemetryType: { kind: "text", replaces: true, fills: "None" },
            mode: { kind: "text", isChosen: true },
        },
    },
    "alicloud:log/storeIndex:StoreIndex": {
        title: "alicloud_log_store_index",
        source: "resource_alicloud_log_store_index.go",
        inputs: {
            project: { kind: "text", isRequired: true, replaces: true },
            logstore: { kind: "text", isRequired: true, replaces: true },
            fullText: { kind: { caseSensitive: { kind: "flag" }, includeChinese: { kind: "flag" }, token: { kind: "text" } } },
            fieldSearches: {
                kind: {
                    each: {
                        name: { kind: "text", isRequired: true },
                        type: { kind: "text", oneOf: ["text", "long", "double", "json"] },
                        alias: { kind: "text" },
                        token: { kind: "text" },
                        caseSensitive: { kind: "flag" },
                        includeChinese: { kind: "flag" },
                        enableAnalytics: { kind: "flag" },
                    },
                },
                isFilled: true,
            },
            logReduce: { kind: "flag" },
            maxTextLen: { kind: "whole", between: [64, 16384] },
        },
    },
} satisfies Record<string, Table>;

/** The values that the cloud may fill in for a resource of this type. */
export function fillsOf(type: keyof typeof tables): Record<string, Value> {
    const inputs: Inputs = tables[type].inputs;
    return Object.fromEntries(Object.entries(inputs).flatMap(([name, { fills }]) => (fills === undefined ? [] : [[name, fills]])));
}
