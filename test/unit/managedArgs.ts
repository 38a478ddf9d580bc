import * as pulumi from "@pulumi/pulumi";

/** The common arguments of both managed stores in these tests. */
export const managed = {
    instanceName: "sms-online",
    engineVersion: "7.0",
    network: {
        vpcId: "vpc-1",
        vSwitches: [
            { id: "vsw-h", zone: "cn-hangzhou-h", cidr: "10.1.0.0/24" },
            { id: "vsw-i", zone: "cn-hangzhou-i", cidr: "10.1.1.0/24" },
        ],
        podCidr: "172.20.0.0/16",
    },
    zone: "cn-hangzhou-i",
    secondaryZone: "cn-hangzhou-h",
    password: pulumi.secret("p@ss/Word1?"),
    backup: { days: ["Monday", "Thursday"], from: "09:00Z" },
    maintenance: { from: "22:00Z" },
    protect: true,
    tags: { product: "sms", environment: "online" },
};

/** The networks of the nodes and the pods only. */
export const whitelist = ["10.1.0.0/24", "10.1.1.0/24", "172.20.0.0/16"];
