/** Rules for where the data is: Redis and MongoDB, on Alibaba Cloud or in the cluster. */
import { lostWith } from "./lost";
import { listOf } from "./pods";
import { type Inputs, isOnline, objectName, type Resource, type ResourcePolicy, unknown } from "./policy";

/** A managed store, in the words that both kinds share. */
interface Store {
    readonly title: string;
    readonly paymentType: unknown;
    readonly isProtectedByCloud: unknown;
    /** The input that protects it, and the one with its whitelist. */
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

/** What would open a store to the internet, by itself. */
const publicEndpoints: Record<string, string> = {
    "alicloud:kvstore/connection:Connection": "Redis",
    "alicloud:mongodb/publicNetworkAddress:PublicNetworkAddress": "MongoDB",
    "alicloud:mongodb/shardingNetworkPublicAddress:ShardingNetworkPublicAddress": "MongoDB",
};

const storePorts = [6379, 27017, 3717];

function storesIn(resource: Resource): Store[] {
    const store = storeOf[resource.type]?.(resource.inputs);
    return store === undefined ? [] : [{ title: `${resource.type.includes("kvstore") ? "Redis" : "MongoDB"} ${resource.name}`, ...store }];
}

export const storesArePrivate: ResourcePolicy = {
    name: "stores-private",
    description: "A store answers inside its VPC or its cluster, and asks for a password.",
    faults: (resource) => {
        const { type, inputs, name } = resource;
        if (Object.hasOwn(publicEndpoints, type)) {
            return [`${name} gives ${publicEndpoints[type]} a public address; allowed: none`];
        }
        if (type === "kubernetes:core/v1:Service") {
            const { type: kind = "ClusterIP", ports } = inputs.spec ?? {};
            const open = listOf(ports).filter(({ port, targetPort }) => storePorts.includes(port) || storePorts.includes(targetPort));
            return ["NodePort", "LoadBalancer"].includes(kind)
                ? open.map(({ port }) => `Service ${objectName(resource)} opens the store's port ${port} as a ${kind}; allowed: ClusterIP`)
                : [];
        }
        return storesIn(resource).flatMap(({ title, vSwitchId }) => [
            ...(vSwitchId === undefined ? [`${title} has no vswitchId, and so no VPC; allowed: a vSwitch of the VPC`] : []),
            ...(inputs.enablePublic === true ? [`${title} has enablePublic; allowed: false`] : []),
            ...(inputs.vpcAuthMode === "Close" ? [`${title} asks for no password (vpcAuthMode is Close); allowed: Open`] : []),
        ]);
    },
};

export const storesAdmitOnlyNamed: ResourcePolicy = {
    name: "stores-whitelist",
    description: "A store admits the networks that are named, and never everybody.",
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

/** Half of all addresses, from a public network or as 0.0.0.0, is everybody as well. */
export function admitsEverybody(entry: string): boolean {
    const [address = "", prefix] = entry.trim().split("/");
    return /^(0\.0\.0\.0|::|%|\*)$/.test(address) || (prefix !== undefined && Number(prefix) < 8);
}

export const dataIsProtected: ResourcePolicy = {
    name: "data-protected",
    description: "Online, nobody deletes data, images or logs by mistake: neither Pulumi nor the cloud's console would.",
    faults: (resource) => {
        const kept = lostWith(resource.type, resource.inputs) ?? servedBy(resource);
        return kept === undefined || !isOnline(resource)
            ? []
            : [
                  ...storesIn(resource)
                      .filter(({ isProtectedByCloud }) => isProtectedByCloud !== true && isProtectedByCloud !== unknown)
                      .map(({ title, protectionInput }) => `${title} has no ${protectionInput}; allowed: true`),
                  ...claimsDeletedBy(resource),
                  ...(resource.protect
                      ? []
                      : [`${resource.name} is not protected in Pulumi, and with it ${kept}; allowed: the resource option protect: true`]),
              ];
    },
};

/** A store in the cluster: its claims stay when it is deleted, but nobody gets at the data. */
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
    description: "A store is paid as it is used: Pulumi can't delete a prepaid one, it only forgets it, and the bill goes on.",
    faults: (resource) =>
        storesIn(resource)
            .filter(({ paymentType }) => paymentType === "PrePaid")
            .map(({ title }) => `${title} is PrePaid; allowed: PostPaid`),
};
