import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1";
import type { meta, networking } from "@pulumi/kubernetes/types/input";
import * as pulumi from "@pulumi/pulumi";
import { portOf } from "./logs";
import { port as mongoPort } from "./mongo";
import { partOf } from "./podTemplate";
import { port as redisPort } from "./redis";
import { port as webPort } from "./web";
import { metricsPort } from "./worker";

/** Where a store is. Of one elsewhere only its URL knows the ports. */
export type StorePlace = { kind: "cluster" | "managed" } | { kind: "external"; url: pulumi.Output<string> };

export interface NetworkPoliciesArgs {
    namespace: pulumi.Input<string>;
    /** Others have pods in the namespace: what is no part of the product stays as open as it is. */
    isShared: boolean;
    redis: StorePlace;
    mongo: StorePlace;
    /** Managed stores have addresses in its vSwitches. */
    network: { vSwitches: readonly { cidr: string }[] };
    /** The `app` labels of the workers' pods. */
    workers: string[];
    /** Where workers go to send, each group by its pods' `app` labels: addresses of the SMS gateway and of proxies on the way. */
    gateways: readonly { name: string; workers: string[]; addresses: pulumi.Input<string[]> }[];
    /** Of where the collectors ship logs to, if they do. */
    logsPort?: number;
    /** The namespace from which KEDA reads the queues' lengths, if it does. */
    redisFrom?: string;
    /** The namespace of the Prometheus that reads the workers' metrics; otherwise any. */
    metricsFrom?: string;
}

/** Nothing gets into or out of the namespace's pods but by the openings below. Probes come from the node, which always may. */
export class NetworkPolicies extends pulumi.ComponentResource {
    /** The namespace, once it is closed: whoever uses it waits for that. */
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
            // The last to come and the first to go: a product that runs meanwhile is never cut off.
            { parent: this, dependsOn: opened },
        );

        this.namespace = closed.metadata.namespace;
        this.registerOutputs({ namespace: this.namespace });
    }
}

type Peers = networking.v1.NetworkPolicyPeer[];
type Ports = pulumi.Input<networking.v1.NetworkPolicyPort[]>;

/** A NetworkPolicy can name no hosts: where these have no addresses that are known before, any address will do. */
const anywhere: Peers = [];
const web = apps("sms-web");
const redis = apps("redis");
const mongo = apps("mongo");
const processes = allBut("redis", "mongo");
/** Beat only queues. */
const readers = allBut("redis", "mongo", "sms-beat");

function openings(args: NetworkPoliciesArgs): Record<string, networking.v1.NetworkPolicySpec> {
    const workers = apps(...args.workers);
    return {
        "web-from-anywhere": into(web, anywhere, tcp(webPort)),
        "workers-from-prometheus": into(workers, namespace(args.metricsFrom), tcp(metricsPort)),
        "processes-to-dns": outOf(processes, dns, [{ protocol: "UDP", port: 53 }, ...tcp(53)]),
        "processes-to-redis": outOf(processes, addresses(args.redis, redis, args), ports(args.redis, redisPort, 6379)),
        "processes-to-mongo": outOf(readers, addresses(args.mongo, mongo, args), ports(args.mongo, mongoPort, 3717)),
        ...Object.fromEntries(
            args.gateways.map((gateway) => [
                `${gateway.name}-to-gateway`,
                outOf(apps(...gateway.workers), anywhere, portsOf(gateway.addresses)),
            ]),
        ),
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
    return { podSelector, policyTypes: ["Ingress"], ingress: [from === anywhere ? { ports } : { from, ports }] };
}

function outOf(podSelector: meta.v1.LabelSelector, to: Peers, ports: Ports): networking.v1.NetworkPolicySpec {
    return { podSelector, policyTypes: ["Egress"], egress: [to === anywhere ? { ports } : { to, ports }] };
}

function apps(...names: string[]): meta.v1.LabelSelector {
    return { matchLabels: partOf, matchExpressions: [{ key: "app", operator: "In", values: names }] };
}

function allBut(...names: string[]): meta.v1.LabelSelector {
    return { matchLabels: partOf, matchExpressions: [{ key: "app", operator: "NotIn", values: names }] };
}

function namespace(name: string | undefined): Peers {
    return [{ namespaceSelector: name === undefined ? {} : { matchLabels: { "kubernetes.io/metadata.name": name } } }];
}

/** CoreDNS, and the node's cache before it (NodeLocal DNSCache), which is no pod of the cluster's network. */
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

/** An address may be a secret, its port is none. */
function inPlain(ports: pulumi.Output<number[]>): Ports {
    return pulumi.unsecret(ports.apply((ports) => [...new Set(ports)].flatMap(tcp)));
}

/** The ports of all hosts that a store's URL names. */
function portsIn(url: string, byDefault: number): number[] {
    const [hosts = ""] = url.replace(/^\w+:\/\/([^@/]*@)?/, "").split(/[/?]/);
    return hosts.split(",").map((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? byDefault));
}

function tcp(port: number): networking.v1.NetworkPolicyPort[] {
    return [{ protocol: "TCP", port }];
}
