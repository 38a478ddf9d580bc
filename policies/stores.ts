/** Rules for the stores with data: Redis and MongoDB, on Alibaba Cloud or in the cluster. */
import { lostWith } from "./lost";
import { listOf } from "./pods";
import { type Inputs, objectName, type Resource, type ResourcePolicy, unknown } from "./policy";

/** A managed store, with common names for the inputs of both kinds. */
interface Store {
    readonly title: string;
    readonly paymentType: unknown;
    readonly isProtectedByCloud: unknown;
    /** The names of the inputs for protection and for the whitelist. */
    readonly protectionInput: string;
    readonly whitelistInput: string;
    readonly whitelist: unknown;
    readonly vSwitchId: unknown;
}

const storeOf: Record<string, (inputs: Inputs) => Omit<Store, "title">> = {
    "alicloud:kvstore/instance:Instance": (inputs) => ({
        paymentType: inputs.paymentType ?? inputs.instanceChargeType,
        isProtectedByCloud: inputs.instanceReleaseProtection,
        protectionInput: "instanceReleaseProtection",
        whitelistInput: "securityIps",
        whitelist: inputs.securityIps,
        vSwitchId: inputs.vswitchId,
    }),
    "alicloud:mongodb/instance:Instance": (inputs) => ({
        paymentType: inputs.instanceChargeType,
        isProtectedByCloud: inputs.dbInstanceReleaseProtection,
        protectionInput: "dbInstanceReleaseProtection",
        whitelistInput: "securityIpLists",
        whitelist: [
            inputs.securityIpLists ?? [],
            ...listOf(inputs.securityIpGroups).map(({ securityIpLists }) => securityIpLists ?? []),
        ].flat(),
        vSwitchId: inputs.vswitchId,
    }),
};

/** The resources that open a store to the internet. */
const publicEndpoints: Record<string, string> = {
    "alicloud:kvstore/connection:Connection": "Redis",
    "alicloud:mongodb/publicNetworkAddress:PublicNetworkAddress": "MongoDB",
    "alicloud:mongodb/shardingNetworkPublicAddress:ShardingNetworkPublicAddress": "MongoDB",
};

/** The stores' ports, and the port of the metrics, which must be closed to the outside too. */
const storePorts = [6379, 27017, 3717, 8005];

function storesIn(resource: Resource): Store[] {
    const store = storeOf[resource.type]?.(resource.inputs);
    return store === undefined ? [] : [{ title: `${resource.type.includes("kvstore") ? "Redis" : "MongoDB"} ${resource.name}`, ...store }];
}

export const storesArePrivate: ResourcePolicy = {
    name: "stores-private",
    description: "A store answers only inside its VPC or its cluster, and requires a password.",
    faults: (resource) => {
        const { type, inputs, name } = resource;
        if (Object.hasOwn(publicEndpoints, type)) {
            return [`${name} gives ${publicEndpoints[type]} a public address; allowed: none`];
        }
        if (type === "kubernetes:core/v1:Service") {
            const { type: kind = "ClusterIP", ports } = inputs.spec ?? {};
            const open = listOf(ports).filter(({ port, targetPort }) => storePorts.includes(port) || storePorts.includes(targetPort));
            return ["NodePort", "LoadBalancer"].includes(kind)
                ? open.map(({ port }) => `Service ${objectName(resource)} opens the port ${port} as a ${kind}; allowed: ClusterIP`)
                : [];
        }
        return storesIn(resource).flatMap(({ title, vSwitchId }) => [
            ...(vSwitchId === undefined ? [`${title} has no vswitchId, and so no VPC; allowed: a vSwitch of the VPC`] : []),
            ...(inputs.enablePublic === true ? [`${title} has enablePublic; allowed: false`] : []),
            ...(inputs.vpcAuthMode === "Close" ? [`${title} requires no password (vpcAuthMode is Close); allowed: Open`] : []),
        ]);
    },
};

export const storesAdmitOnlyNamed: ResourcePolicy = {
    name: "stores-whitelist",
    description: "A store admits only named networks, and never everybody.",
    faults: (resource) =>
        storesIn(resource)
            .filter(({ whitelist }) => whitelist !== unknown)
            .flatMap(({ title, whitelist, whitelistInput }) => {
                const entries = Array.isArray(whitelist) ? whitelist : [];
                return entries.length === 0
                    ? [`${title} has no ${whitelistInput}: nobody could connect; allowed: the vSwitches' and pods' CIDRs`]
                    : entries
                          .filter((entry) => typeof entry === "string" && admitsEverybody(entry))
                          .map(
                              (entry) =>
                                  `${title} admits ${entry}, which is everybody (${whitelistInput}); allowed: the vSwitches' and pods' CIDRs`,
                          );
            }),
};

/** Whether an entry admits everybody. A network with a prefix below /8 counts as everybody, also with another address than 0.0.0.0. */
export function admitsEverybody(entry: string): boolean {
    const [address = "", prefix] = entry.trim().split("/");
    return /^(0\.0\.0\.0|::|%|\*)$/.test(address) || (prefix !== undefined && Number(prefix) < 8);
}

export const dataIsProtected: ResourcePolicy = {
    name: "data-protected",
    description: "Online, Pulumi and the cloud's console refuse to delete data, images and logs by mistake.",
    faults: (resource) => {
        const kept = lostWith(resource.type, resource.inputs) ?? servedBy(resource);
        return kept === undefined || !resource.isProduction
            ? []
            : [
                  ...storesIn(resource)
                      .filter(({ isProtectedByCloud }) => isProtectedByCloud !== true && isProtectedByCloud !== unknown)
                      .map(({ title, protectionInput }) => `${title} has no ${protectionInput}; allowed: true`),
                  ...claimsDeletedBy(resource),
                  ...(resource.protect
                      ? []
                      : [
                            `${resource.name} is not protected in Pulumi: its deletion would lose ${kept}; allowed: the resource option protect: true`,
                        ]),
              ];
    },
};

/** For a store in the cluster. If it is deleted, its claims stay, but nothing serves the data. */
function servedBy({ type, inputs }: Resource): string | undefined {
    return type === statefulSet && listOf(inputs.spec?.volumeClaimTemplates).length > 0 ? "the way to the data on its volumes" : undefined;
}

function claimsDeletedBy(resource: Resource): string[] {
    const { persistentVolumeClaimRetentionPolicy: retention = {} } = resource.inputs.spec ?? {};
    return resource.type !== statefulSet
        ? []
        : ["whenDeleted", "whenScaled"]
              .filter((when) => retention[when] === "Delete")
              .map((when) => `StatefulSet ${objectName(resource)} deletes its volumes ${when}; allowed: Retain`);
}

const statefulSet = "kubernetes:apps/v1:StatefulSet";

export const storesPayAsTheyGo: ResourcePolicy = {
    name: "stores-pay-as-you-go",
    description: "A store is pay-as-you-go. Pulumi can't delete a prepaid store: it only forgets it, and the cloud still charges for it.",
    faults: (resource) =>
        storesIn(resource)
            .filter(({ paymentType }) => paymentType === "PrePaid")
            .map(({ title }) => `${title} is PrePaid; allowed: PostPaid`),
};
