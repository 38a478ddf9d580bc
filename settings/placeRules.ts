/** Rules for places in Alibaba Cloud: network, zones, stores, cluster and registry. */
import { contains, networkAfter, networkIn, overlap } from "./cidr";
import { keyOf } from "./problems";
import { type Checked, type RuleBetween, refusal } from "./rules";
import { valueAt } from "./valueAt";

interface VSwitch {
    zone: string;
    cidr: string;
}

interface NetworkSettings {
    kind: string;
    cidr?: string;
    vSwitches: readonly VSwitch[];
    podCidr?: string;
    serviceCidr?: string;
}

interface StoreSettings {
    kind: string;
    zone?: string;
    secondaryZone?: string;
    hiddenZone?: string;
}

export interface Places {
    alibaba?: { region: string };
    network?: NetworkSettings;
    redis: StoreSettings;
    mongo: StoreSettings;
}

export const placeRules: RuleBetween<Places>[] = [
    { rule: regionIsGiven, blocks: ["alibaba"] },
    { rule: storesHaveANetwork, blocks: ["network"] },
    { rule: zonesAreInTheRegion, blocks: ["alibaba", "network"] },
    { rule: storesAreInTheNetwork, blocks: ["network", "redis", "mongo"] },
];

/** One zone can fail. */
export function vSwitchesAreInTwoZones({ value: { vSwitches }, issues }: Checked<NetworkSettings>) {
    const [zone, ...others] = new Set(vSwitches.map(({ zone }) => zone));
    if (others.length === 0) {
        const allowed = `a vSwitch in another zone${zone === undefined ? "" : ` than ${zone}`}: one zone can fail`;
        issues.push(refusal(["vSwitches", vSwitches.length, "zone"], undefined, allowed, "cn-hangzhou-i"));
    }
}

export function newVSwitchesAreOnePerZone({ value: { vSwitches }, issues }: Checked<NetworkSettings>) {
    const zones = vSwitches.map(({ zone }) => zone);
    for (const [i, zone] of zones.entries()) {
        if (zones.indexOf(zone) < i) {
            const path = ["vSwitches", i, "zone"];
            issues.push(refusal(path, zone, `another zone than that of vSwitches[${zones.indexOf(zone)}]`, "cn-hangzhou-i"));
        }
    }
}

/** Two networks that share an address can't reach each other at that address. */
export function networksAreApart({ value: { cidr, vSwitches, podCidr, serviceCidr }, issues }: Checked<NetworkSettings>) {
    const inVpc = vSwitches.map((vSwitch, i) => ({ path: ["vSwitches", i, "cidr"], cidr: vSwitch.cidr, words: `vSwitches[${i}].cidr` }));
    const beside = Object.entries({ podCidr, serviceCidr }).flatMap(([words, cidr]) =>
        cidr === undefined ? [] : [{ path: [words], cidr, words }],
    );
    const vpc = cidr === undefined ? [] : [{ cidr, words: "cidr" }];
    for (const [i, { path, cidr: own }] of inVpc.entries()) {
        const outer = vpc.find((one) => !contains(one.cidr, own));
        if (outer) {
            issues.push(refusal(path, own, `addresses within ${outer.cidr}, which is cidr`, networkIn(outer.cidr, own)));
        }
        refuseOverlap(issues, path, own, inVpc.slice(0, i));
    }
    for (const [i, { path, cidr: own }] of beside.entries()) {
        refuseOverlap(issues, path, own, [...(vpc.length > 0 ? vpc : inVpc), ...beside.slice(0, i)]);
    }
}

function refuseOverlap(issues: Checked<unknown>["issues"], path: PropertyKey[], own: string, others: { cidr: string; words: string }[]) {
    const other = others.find(({ cidr }) => overlap(cidr, own));
    if (other) {
        issues.push(refusal(path, own, `addresses outside ${other.cidr}, which is ${other.words}`, networkAfter(other.cidr, own)));
    }
}

/** The settings that use Alibaba Cloud, in words. */
function usesOfAlibaba(places: Places): string[] {
    const uses = [
        [["cluster", "kind"], "ack"],
        [["registry", "kind"], "acr"],
        [["redis", "kind"], "managed"],
        [["mongo", "kind"], "managed"],
        [["logs", "ship", "to", "kind"], "sls"],
    ] as const;
    return [
        ...(places.network ? ["sms:network is given"] : []),
        ...uses.filter(([path, kind]) => valueAt(places, path) === kind).map(([path, kind]) => `${keyOf(path)} is ${kind}`),
    ];
}

function regionIsGiven({ value, issues }: Checked<Places>) {
    const [use] = usesOfAlibaba(value);
    if (use && !value.alibaba) {
        issues.push(refusal(["alibaba", "region"], undefined, `a region of Alibaba Cloud such as cn-hangzhou, as ${use}`, "cn-hangzhou"));
    }
}

function storesHaveANetwork({ value, issues }: Checked<Places>) {
    const store = ["redis", "mongo"].find((store) => valueAt(value, [store, "kind"]) === "managed");
    if (store && !value.network) {
        const allowed = `existing or new, as sms:${store}.kind is managed: without a network nobody could connect`;
        issues.push(refusal(["network", "kind"], undefined, allowed, "existing"));
    }
}

function zonesAreInTheRegion({ value: { alibaba, network }, issues }: Checked<Places>) {
    for (const [i, { zone }] of (network?.vSwitches ?? []).entries()) {
        if (alibaba && !isZoneOf(alibaba.region, zone)) {
            const allowed = `a zone of ${alibaba.region}, which is sms:alibaba.region`;
            issues.push(refusal(["network", "vSwitches", i, "zone"], zone, allowed, zoneOf(alibaba.region)));
        }
    }
}

/** `cn-hangzhou-h` is a zone of cn-hangzhou, and `ap-southeast-1a` is a zone of ap-southeast-1. */
function isZoneOf(region: string, zone: string) {
    return zone.startsWith(region) && /^-?[a-z]$/.test(zone.slice(region.length));
}

function zoneOf(region: string) {
    return /\d$/.test(region) ? `${region}a` : `${region}-h`;
}

/** Each node of a store is in a zone that has a vSwitch. */
function storesAreInTheNetwork({ value: { network, redis, mongo }, issues }: Checked<Places>) {
    const zones = [...new Set(network?.vSwitches.map(({ zone }) => zone))];
    for (const [store, settings] of Object.entries({ redis, mongo })) {
        for (const key of ["zone", "secondaryZone", "hiddenZone"] as const) {
            const zone = settings[key];
            if (network && zone !== undefined && !zones.includes(zone)) {
                const allowed = `a zone with a vSwitch in sms:network: ${zones.join(" or ")}`;
                issues.push(refusal([store, key], zone, allowed, zones[0]));
            }
        }
    }
}

export function nodesAreInDifferentZones({ value, issues }: Checked<StoreSettings>) {
    const taken = new Set([value.zone]);
    for (const key of ["secondaryZone", "hiddenZone"] as const) {
        const zone = value[key];
        if (zone !== undefined && taken.has(zone)) {
            issues.push(refusal([key], zone, "a zone that no other node of the store is in, so that one zone can fail"));
        }
        taken.add(zone);
    }
}

/**
 * Alibaba Cloud offers a replica set in one zone or in three. Two zones need a support ticket, and the API then reports a third zone that
 * the cloud chose.
 */
export function replicaSetIsInOneZoneOrThree({ value, issues }: Checked<StoreSettings & { nodes: number }>) {
    const { zone = "", secondaryZone, hiddenZone, nodes } = value;
    const other = { secondaryZone: "hiddenZone", hiddenZone: "secondaryZone" } as const;
    for (const [given, missing] of Object.entries(other)) {
        const there = value[given as keyof typeof other];
        if (there !== undefined && value[missing] === undefined) {
            const allowed = `given together with ${given}, or both left out: a replica set is in one zone or in three`;
            issues.push(refusal([missing], undefined, allowed, thirdZone(zone, there)));
        }
    }
    if (secondaryZone !== undefined && hiddenZone !== undefined && nodes < 3) {
        issues.push(refusal(["nodes"], nodes, "3 or more, as there are three zones", 3));
    }
}

/** A worker takes tasks from several queues with one command. A Redis cluster refuses such a command if the keys are in different slots. */
export function brokerIsNoCluster({ value: { instanceClass }, issues }: Checked<{ instanceClass: string }>) {
    if (/^redis\.((logic\.)?sharding|shard\.with\.proxy)\./.test(instanceClass)) {
        const allowed =
            "a class without shards: workers take from several queues at once, and a cluster keeps the queues in different slots";
        issues.push(refusal(["instanceClass"], instanceClass, allowed, "redis.shard.small.2.ce"));
    }
}

/** A zone of the same region that is neither of the two. */
function thirdZone(zone: string, another: string) {
    const letter = ["h", "i", "j"].find((letter) => ![zone, another].some((taken) => taken.endsWith(letter)));
    return `${zone.slice(0, -1)}${letter}`;
}
