/**
 * The RAM actions behind the calls that the official provider makes for each resource: at `up`, `refresh` and `destroy`.
 * Source: terraform-provider-alicloud 1.289.0, its code and the calls that a plugin built of it made. docs/ram/ has them as policies.
 */
const product = (name: string, ...actions: string[]) => actions.map((action) => `${name}:${action}`);

const vSwitchOfAStore = product("vpc", "DescribeVSwitchAttributes");

export const calls: Readonly<Record<string, readonly string[]>> = {
    "alicloud:vpc/network:Network": product(
        "vpc",
        ...["CreateVpc", "DescribeVpcAttribute", "DescribeRouteTableList", "ModifyVpcAttribute", "DeleteVpc"],
        ...["TagResources", "UntagResources"],
    ),
    "alicloud:vpc/switch:Switch": product(
        "vpc",
        ...["CreateVSwitch", "DescribeVSwitchAttributes", "ModifyVSwitchAttribute", "DeleteVSwitch"],
        ...["TagResources", "UntagResources"],
    ),
    "alicloud:kvstore/instance:Instance": [
        ...vSwitchOfAStore,
        ...product(
            "kvstore",
            ...["CreateInstance", "DescribeInstanceAttribute", "DescribeDBInstanceNetInfo", "DescribeBackupPolicy"],
            ...["DescribeSecurityGroupConfiguration", "DescribeInstanceSSL", "DescribeSecurityIps", "DescribeEngineVersion"],
            ...["DescribeInstanceTDEStatus", "DescribeEncryptionKey", "TagResources", "UntagResources", "ModifyInstanceConfig"],
            ...["ModifyInstanceMaintainTime", "ModifyBackupPolicy", "ModifyInstanceAttribute", "ModifySecurityIps", "ModifyInstanceSSL"],
            ...["ModifyInstanceVpcAuthMode", "ModifyInstanceSpec", "ModifyInstanceMajorVersion", "MigrateToOtherZone"],
            ...["TransformInstanceChargeType", "DeleteInstance"],
        ),
    ],
    "alicloud:kvstore/account:Account": product(
        "kvstore",
        ...["CreateAccount", "DescribeAccounts", "GrantAccountPrivilege", "ResetAccountPassword", "DeleteAccount"],
    ),
    "alicloud:mongodb/instance:Instance": [
        ...vSwitchOfAStore,
        ...product(
            "dds",
            ...["CreateDBInstance", "DescribeDBInstanceAttribute", "DescribeInstanceAutoRenewalAttribute"],
            ...["DescribeSecurityGroupConfiguration", "DescribeSecurityIps", "DescribeBackupPolicy", "DescribeDBInstanceSSL"],
            ...["DescribeGlobalSecurityIPGroupRelation", "DescribeReplicaSetRole", "DescribeUserEncryptionKeyList"],
            ...["DescribeRoleZoneInfo", "DescribeDBInstanceTDEInfo", "ModifyBackupPolicy", "ModifyDBInstanceMaintainTime"],
            ...["ModifyDBInstanceAttribute", "TagResources", "UntagResources", "ModifySecurityIps", "ModifyDBInstanceSSL"],
            ...["ModifyDBInstanceSpec", "ModifyDBInstanceDiskType", "UpgradeDBInstanceEngineVersion", "MigrateAvailableZone"],
            ...["ModifyDBInstanceDescription", "TransformToPrePaid", "DeleteDBInstance"],
        ),
    ],
    "alicloud:mongodb/account:Account": product("dds", "ResetAccountPassword", "DescribeAccounts", "ModifyAccountDescription"),
    "alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace": product(
        "cr",
        ...["CreateNamespace", "GetNamespace", "UpdateNamespace", "DeleteNamespace"],
    ),
    "alicloud:cs/registryEnterpriseRepo:RegistryEnterpriseRepo": product(
        "cr",
        ...["CreateRepository", "GetRepository", "UpdateRepository", "DeleteRepository"],
    ),
    "alicloud:log/project:Project": product(
        "log",
        ...["CreateProject", "GetProject", "UpdateProject", "DeleteProject", "GetProjectPolicy"],
        ...["ListTagResources", "TagResources", "UntagResources"],
    ),
    "alicloud:log/store:Store": product(
        "log",
        ...["CreateLogStore", "GetLogStore", "UpdateLogStore", "DeleteLogStore", "ListShards"],
        ...["GetLogStoreMeteringMode", "UpdateLogStoreMeteringMode"],
    ),
    "alicloud:log/storeIndex:StoreIndex": product("log", "CreateIndex", "GetIndex", "UpdateIndex", "DeleteIndex"),
    "alicloud:cs/getClusterCredential:getClusterCredential": product("cs", "DescribeClusterDetail", "DescribeClusterUserKubeconfig"),
};

/** What a collector needs that ships logs by Kafka's protocol (Alibaba Cloud: "Use the Kafka protocol to upload logs"). */
export const kafkaCalls = product("log", "GetProject", "GetLogStore", "ListShards", "PostLogStoreLogs");
