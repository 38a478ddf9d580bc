/**
 * The RAM actions that the official provider calls for each resource, during `up`, `refresh` and `destroy`. Source: the code of
 * terraform-provider-alicloud 1.289.0, and the calls of a plugin that was built from it. docs/ram/ has them as policies.
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

/** The RAM actions of a collector that ships logs by the Kafka protocol (Alibaba Cloud: "Use the Kafka protocol to upload logs"). */
export const kafkaCalls = product("log", "GetProject", "GetLogStore", "ListShards", "PostLogStoreLogs");
