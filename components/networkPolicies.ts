import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import type { meta, networking } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { metricsPort } from "./app";
import { portOf } from "./logs";
import { hostsIn } from "./managedStore";
import { port as mongoPort } from "./mongo";
import { partOf } from "./podTemplate";
import { port as redisPort } from "./redis";
import { port as webPort } from "./web";

/** The place of a store. For an external store only its URL has the ports. */
type StorePlace = { kind: "cluster" | "managed" } | { kind: "external"; url: pulumi.Output<string> };

export interface NetworkPoliciesArgs {
    namespace: pulumi.Input<string>;
    /** Other owners have pods in the namespace. Then the policies restrict only the product's pods. */
    isShared: boolean;
    redis: StorePlace;
    mongo: StorePlace;
    /** Managed stores have addresses in its vSwitches. */
    network: { vSwitches: readonly { cidr: string }[] };
    /** The `app` labels of the workers' pods. */
    workers: string[];
    /**
     * Addresses to which workers send: the SMS gateway and the proxies before it. Each group names its workers by their pods' `app` labels.
     */
    gateways: readonly { name: string; workers: string[]; addresses: pulumi.Input<string[]> }[];
    /** The pods have a RAM role. They request its credentials from Alibaba Cloud and use them there. */
    hasRamRole?: boolean;
    /** The port of the log destination, if collectors ship logs. */
    logsPort?: number;
    /** The namespace from which KEDA reads the queues' lengths, if KEDA is used. */
    redisFrom?: string;
    /** The namespace of the Prometheus that reads the metrics. */
    metricsFrom: string;
}

/**
 * NetworkPolicies that block all traffic of the namespace's pods except the connections below. Probes come from the node, which
 * NetworkPolicies never block.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
    /** The namespace after the default-deny policy exists. Resources that use it wait for that policy. */
    readonly namespace: pulumi.Output<string>;

    constructor(name: string, args: NetworkPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:networkPolicies:NetworkPolicies", name, {}, opts);

        const opened = Object.entries(openings(args)).map(
            ([key, opening]) =>
                new NetworkPolicy(
                    `${name}-${key}`,
                    { metadata: { name: key, namespace: args.namespace }, spec: opening },
                    { parent: this },
                ),
        );
        const closed = new NetworkPolicy(
            `${name}-default-deny`,
            {
                metadata: { name: "default-deny", namespace: args.namespace },
                spec: { podSelector: args.isShared ? { matchLabels: partOf } : {}, policyTypes: ["Ingress", "Egress"] },
            },
            // Created last and deleted first, so that a running product is never cut off.
            { parent: this, dependsOn: opened },
        );

        this.namespace = closed.metadata.namespace;
        this.registerOutputs({ namespace: this.namespace });
    }
}

type Peers = networking.v1.NetworkPolicyPeer[];
type Ports = pulumi.Input<networking.v1.NetworkPolicyPort[]>;

/**
 * The ECS metadata service. Its answers contain the node's own credentials, which no pod may have. No opening below includes this address.
 */
export const metadataAddress = "100.100.100.200";

/** All sources, including the internet. */
const anybody: Peers = [];
/** All addresses, for hosts whose addresses aren't known beforehand. A NetworkPolicy can't name hosts. */
export const anywhere: Peers = [
    // With some CNIs the pods' own addresses match no IP block.
    { namespaceSelector: {} },
    { ipBlock: { cidr: "0.0.0.0/0", except: [`${metadataAddress}/32`] } },
    { ipBlock: { cidr: "::/0" } },
];
const web = apps("sms-web");
const redis = apps("redis");
const mongo = apps("mongo");
const processes = allBut("redis", "mongo");
/** Beat only queues tasks, so it doesn't need MongoDB. */
const readers = allBut("redis", "mongo", "sms-beat");

function openings(args: NetworkPoliciesArgs): Record<string, networking.v1.NetworkPolicySpec> {
    return {
        "web-from-anywhere": into(web, anybody, tcp(webPort)),
        "metrics-from-prometheus": into(apps("sms-web", ...args.workers), namespace(args.metricsFrom), tcp(metricsPort)),
        "processes-to-dns": outOf(processes, dns, [{ protocol: "UDP", port: 53 }, ...tcp(53)]),
        "processes-to-redis": outOf(processes, addresses(args.redis, redis, args), ports(args.redis, redisPort, 6379)),
        "processes-to-mongo": outOf(readers, addresses(args.mongo, mongo, args), ports(args.mongo, mongoPort, 3717)),
        ...Object.fromEntries(
            args.gateways.map((gateway) => [
                `${gateway.name}-to-gateway`,
                outOf(apps(...gateway.workers), anywhere, portsOf(gateway.addresses)),
            ]),
        ),
        // Alibaba Cloud's services have host names, so all addresses are allowed.
        ...(args.hasRamRole ? { "processes-to-alibaba": outOf(processes, anywhere, tcp(443)) } : {}),
        ...(args.logsPort === undefined
            ? {}
            : { "collectors-to-logs": outOf(apps("sms-web", "sms-beat", ...args.workers), anywhere, tcp(args.logsPort)) }),
        ...(args.redis.kind === "cluster" ? { "redis-from-processes": into(redis, [{ podSelector: processes }], tcp(redisPort)) } : {}),
        ...(args.redis.kind === "cluster" && args.redisFrom !== undefined
            ? { "redis-from-keda": into(redis, namespace(args.redisFrom), tcp(redisPort)) }
            : {}),
        ...(args.mongo.kind === "cluster" ? { "mongo-from-processes": into(mongo, [{ podSelector: readers }], tcp(mongoPort)) } : {}),
    };
}

function into(podSelector: meta.v1.LabelSelector, from: Peers, ports: Ports): networking.v1.NetworkPolicySpec {
    return { podSelector, policyTypes: ["Ingress"], ingress: [from === anybody ? { ports } : { from, ports }] };
}

function outOf(podSelector: meta.v1.LabelSelector, to: Peers, ports: Ports): networking.v1.NetworkPolicySpec {
    return { podSelector, policyTypes: ["Egress"], egress: [{ to, ports }] };
}

function apps(...names: string[]): meta.v1.LabelSelector {
    return { matchLabels: partOf, matchExpressions: [{ key: "app", operator: "In", values: names }] };
}

function allBut(...names: string[]): meta.v1.LabelSelector {
    return { matchLabels: partOf, matchExpressions: [{ key: "app", operator: "NotIn", values: names }] };
}

function namespace(name: string): Peers {
    return [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } }];
}

/** CoreDNS, and the node's cache (NodeLocal DNSCache), which isn't a pod in the cluster's network. */
const dns: Peers = [
    {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
        podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
    { ipBlock: { cidr: "169.254.20.10/32" } },
];

function addresses(store: StorePlace, pods: meta.v1.LabelSelector, { network }: NetworkPoliciesArgs): Peers {
    switch (store.kind) {
        case "cluster":
            return [{ podSelector: pods }];
        case "managed":
            return network.vSwitches.map(({ cidr }) => ({ ipBlock: { cidr } }));
        default:
            return anywhere;
    }
}

function ports(store: StorePlace, inCluster: number, onAlibaba: number): Ports {
    if (store.kind === "external") {
        return inPlain(store.url.apply((url) => portsIn(url, inCluster)));
    }
    return tcp(store.kind === "cluster" ? inCluster : onAlibaba);
}

function portsOf(addresses: pulumi.Input<string[]>): Ports {
    return inPlain(pulumi.output(addresses).apply((addresses) => addresses.map(portOf)));
}

/** An address may be secret, but its port isn't. */
function inPlain(ports: pulumi.Output<number[]>): Ports {
    return pulumi.unsecret(ports.apply((ports) => [...new Set(ports)].flatMap(tcp)));
}

/** The ports of all hosts in a store's URL. Hosts from DNS (`mongodb+srv://`) are expected to have the default port. */
function portsIn(url: string, byDefault: number): number[] {
    return hostsIn(url)
        .split(",")
        .map((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? byDefault));
}

function tcp(port: number): networking.v1.NetworkPolicyPort[] {
    return [{ protocol: "TCP", port }];
}
