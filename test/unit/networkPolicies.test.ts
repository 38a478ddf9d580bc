import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { NetworkPolicies, type NetworkPoliciesArgs } from "../../components/networkPolicies";
import { deploy, resolve, types } from "./deployed";

const args: NetworkPoliciesArgs = {
    namespace: "sms",
    isShared: false,
    redis: { kind: "cluster" },
    mongo: { kind: "cluster" },
    network: { vSwitches: [] },
    workers: ["sms-worker", "sms-worker-bulk"],
    gateways: [{ name: "workers", workers: ["sms-worker", "sms-worker-bulk"], addresses: ["https://dysmsapi.aliyuncs.com"] }],
};

async function policies(changes: Partial<NetworkPoliciesArgs> = {}) {
    const { deployed } = await deploy(() => new NetworkPolicies("network-policies", { ...args, ...changes }));
    const found = deployed.resources.filter(({ type }) => type === types.networkPolicy);
    assert.deepEqual(
        found.flatMap(({ secrets }) => secrets),
        [],
        "a preview shows what is opened",
    );
    return Object.fromEntries(found.map(({ inputs: { metadata, spec } }) => [metadata.name, spec]));
}

const partOf = { "app.kubernetes.io/part-of": "sms" };
const apps = (...values: string[]) => ({ matchLabels: partOf, matchExpressions: [{ key: "app", operator: "In", values }] });
const allBut = (...values: string[]) => ({ matchLabels: partOf, matchExpressions: [{ key: "app", operator: "NotIn", values }] });
const tcp = (port: number) => [{ protocol: "TCP", port }];
const processes = allBut("redis", "mongo");
const readers = allBut("redis", "mongo", "sms-beat");
const workers = apps("sms-worker", "sms-worker-bulk");
const into = (podSelector: object, rule: object) => ({ podSelector, policyTypes: ["Ingress"], ingress: [rule] });
const outOf = (podSelector: object, rule: object) => ({ podSelector, policyTypes: ["Egress"], egress: [rule] });

describe("the NetworkPolicies", () => {
    it("open, with the stores in the cluster, exactly these ways", async () => {
        assert.deepEqual(await policies(), {
            "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
            "web-from-anywhere": into(apps("sms-web"), { ports: tcp(8004) }),
            "workers-from-prometheus": into(workers, { from: [{ namespaceSelector: {} }], ports: tcp(8005) }),
            "processes-to-dns": outOf(processes, {
                to: [
                    {
                        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
                        podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
                    },
                    { ipBlock: { cidr: "169.254.20.10/32" } },
                ],
                ports: [{ protocol: "UDP", port: 53 }, ...tcp(53)],
            }),
            "processes-to-redis": outOf(processes, { to: [{ podSelector: apps("redis") }], ports: tcp(6379) }),
            "processes-to-mongo": outOf(readers, { to: [{ podSelector: apps("mongo") }], ports: tcp(27017) }),
            "workers-to-gateway": outOf(workers, { ports: tcp(443) }),
            "redis-from-processes": into(apps("redis"), { from: [{ podSelector: processes }], ports: tcp(6379) }),
            "mongo-from-processes": into(apps("mongo"), { from: [{ podSelector: readers }], ports: tcp(27017) }),
        });
    });

    it("open to each group of workers the ports of its own gateway and proxy, also where their addresses are secrets", async () => {
        const found = await policies({
            gateways: [
                { name: "workers", workers: ["sms-worker"], addresses: ["https://gateway.example.com", "http://proxy:3128", "https://b"] },
                { name: "worker-bulk", workers: ["sms-worker-bulk"], addresses: pulumi.secret(["http://gateway.example.com:8080"]) },
            ],
        });
        assert.deepEqual(found["workers-to-gateway"], outOf(apps("sms-worker"), { ports: [...tcp(443), ...tcp(3128)] }));
        assert.deepEqual(found["worker-bulk-to-gateway"], outOf(apps("sms-worker-bulk"), { ports: tcp(8080) }));
    });

    it("open the vSwitches, and no pod, where the stores are managed", async () => {
        const vSwitches = [{ cidr: "10.1.0.0/24" }, { cidr: "10.1.1.0/24" }];
        const found = await policies({ redis: { kind: "managed" }, mongo: { kind: "managed" }, network: { vSwitches } });
        const to = [{ ipBlock: { cidr: "10.1.0.0/24" } }, { ipBlock: { cidr: "10.1.1.0/24" } }];
        assert.deepEqual(found["processes-to-redis"], outOf(processes, { to, ports: tcp(6379) }));
        assert.deepEqual(found["processes-to-mongo"], outOf(readers, { to, ports: tcp(3717) }));
        assert.ok(!("redis-from-processes" in found) && !("mongo-from-processes" in found));
    });

    it("open, for stores elsewhere, the ports that their URLs name", async () => {
        const redis = (url: string) => policies({ redis: { kind: "external", url: pulumi.secret(url) } });
        const mongo = (url: string) => policies({ mongo: { kind: "external", url: pulumi.secret(url) } });
        const opened = [
            (await redis("redis://sms:p%40ss@redis.example.com:6380/0"))["processes-to-redis"],
            (await redis("rediss://redis.example.com"))["processes-to-redis"],
            (await mongo("mongodb://sms:p%3A1@a.example:3717,b.example:3718,c.example/sms?authSource=admin"))["processes-to-mongo"],
        ];
        assert.deepEqual(
            opened.map(({ egress }) => egress),
            [[{ ports: tcp(6380) }], [{ ports: tcp(6379) }], [{ ports: [3717, 3718, 27017].flatMap(tcp) }]],
        );
    });

    it("let the workers' metrics be read from one namespace where it is named", async () => {
        const { "workers-from-prometheus": found } = await policies({ metricsFrom: "monitoring" });
        const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }];
        assert.deepEqual(found, into(workers, { from, ports: tcp(8005) }));
    });

    it("let those pods ship logs that have a collector: no Job, no store", async () => {
        const { "collectors-to-logs": found } = await policies({ logsPort: 10011 });
        assert.deepEqual(found, outOf(apps("sms-web", "sms-beat", "sms-worker", "sms-worker-bulk"), { ports: tcp(10011) }));
    });

    it("close the namespace only once all that is meant to be open is, and before anything else is in it", async () => {
        const { deployed, result } = await deploy(() => new NetworkPolicies("network-policies", args));
        const { name, dependencies } = deployed.one(types.networkPolicy, "network-policies-default-deny");
        const others = deployed.resources.filter((resource) => resource.type === types.networkPolicy && resource.name !== name);
        assert.deepEqual(dependencies, others.map((resource) => resource.name).sort());
        assert.equal((await resolve(result.namespace)).value, "sms");
    });
});
