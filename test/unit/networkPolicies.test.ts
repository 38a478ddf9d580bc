import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { NetworkPolicies, type NetworkPoliciesArgs } from "../../components/networkPolicies";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";
import { overlap } from "../../settings/cidr";

const args: NetworkPoliciesArgs = {
    namespace: "sms",
    isShared: false,
    redis: { kind: "cluster" },
    mongo: { kind: "cluster" },
    network: { vSwitches: [] },
    metricsFrom: "monitoring",
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
const anywhere = [
    { namespaceSelector: {} },
    { ipBlock: { cidr: "0.0.0.0/0", except: ["100.100.100.200/32"] } },
    { ipBlock: { cidr: "::/0" } },
];
const monitoring = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }];

describe("the NetworkPolicies", () => {
    it("open exactly these connections with stores in the cluster", async () => {
        assert.deepEqual(await policies(), {
            "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
            "web-from-anywhere": into(apps("sms-web"), { ports: tcp(8004) }),
            "metrics-from-prometheus": into(apps("sms-web", "sms-worker", "sms-worker-bulk"), { from: monitoring, ports: tcp(8005) }),
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
            "workers-to-gateway": outOf(workers, { to: anywhere, ports: tcp(443) }),
            "redis-from-processes": into(apps("redis"), { from: [{ podSelector: processes }], ports: tcp(6379) }),
            "mongo-from-processes": into(apps("mongo"), { from: [{ podSelector: readers }], ports: tcp(27017) }),
        });
    });

    it("open for each group of workers the ports of its own gateway and proxy, also if their addresses are secrets", async () => {
        const found = await policies({
            gateways: [
                { name: "workers", workers: ["sms-worker"], addresses: ["https://gateway.example.com", "http://proxy:3128", "https://b"] },
                { name: "worker-bulk", workers: ["sms-worker-bulk"], addresses: pulumi.secret(["http://gateway.example.com:8080"]) },
            ],
        });
        assert.deepEqual(found["workers-to-gateway"], outOf(apps("sms-worker"), { to: anywhere, ports: [...tcp(443), ...tcp(3128)] }));
        assert.deepEqual(found["worker-bulk-to-gateway"], outOf(apps("sms-worker-bulk"), { to: anywhere, ports: tcp(8080) }));
    });

    it("open HTTPS to all addresses for every process, also beat, if the pods have a RAM role, and for none without", async () => {
        const found = await policies({ hasRamRole: true });
        assert.deepEqual(found["processes-to-alibaba"], outOf(processes, { to: anywhere, ports: tcp(443) }));
        assert.ok(!("processes-to-alibaba" in (await policies({ hasRamRole: false }))));
    });

    it("open the vSwitches, and no pod, if the stores are managed", async () => {
        const vSwitches = [{ cidr: "10.1.0.0/24" }, { cidr: "10.1.1.0/24" }];
        const found = await policies({ redis: { kind: "managed" }, mongo: { kind: "managed" }, network: { vSwitches } });
        const to = [{ ipBlock: { cidr: "10.1.0.0/24" } }, { ipBlock: { cidr: "10.1.1.0/24" } }];
        assert.deepEqual(found["processes-to-redis"], outOf(processes, { to, ports: tcp(6379) }));
        assert.deepEqual(found["processes-to-mongo"], outOf(readers, { to, ports: tcp(3717) }));
        assert.ok(!("redis-from-processes" in found) && !("mongo-from-processes" in found));
    });

    it("open the ports of the URLs of external stores", async () => {
        const redis = (url: string) => policies({ redis: { kind: "external", url: pulumi.secret(url) } });
        const mongo = (url: string) => policies({ mongo: { kind: "external", url: pulumi.secret(url) } });
        const opened = [
            (await redis("redis://sms:p%40ss@redis.example.com:6380/0"))["processes-to-redis"],
            (await redis("rediss://redis.example.com"))["processes-to-redis"],
            (await mongo("mongodb://sms:p%3A1@a.example:3717,b.example:3718,c.example/sms?authSource=admin"))["processes-to-mongo"],
            (await mongo("mongodb+srv://sms:p%3A1@mongo.example.com/sms"))["processes-to-mongo"],
        ];
        assert.deepEqual(
            opened.map(({ egress }) => egress),
            [[6380], [6379], [3717, 3718, 27017], [27017]].map((ports) => [{ to: anywhere, ports: ports.flatMap(tcp) }]),
        );
    });

    it("allow metrics to be read from the named namespace", async () => {
        const { "metrics-from-prometheus": found } = await policies({ metricsFrom: "arms-prom" });
        assert.deepEqual(found.ingress[0].from, [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "arms-prom" } } }]);
    });

    it("don't open the cloud's metadata service, even if a URL has its port", async () => {
        const found = await policies({
            redis: { kind: "external", url: pulumi.secret("redis://redis.example.com:80") },
            mongo: { kind: "external", url: pulumi.secret("mongodb://mongo.example.com:80") },
            gateways: [{ name: "workers", workers: ["sms-worker"], addresses: ["http://gateway.example.com"] }],
            logsPort: 80,
        });
        const out: { to: { ipBlock?: { cidr: string; except?: string[] } }[] }[] = Object.values<{ egress?: [] }>(found).flatMap(
            ({ egress = [] }) => egress,
        );
        const blocks = out.flatMap(({ to }) => to).flatMap(({ ipBlock }) => ipBlock ?? []);
        const open = blocks.filter(({ cidr, except }) => overlap(cidr, "100.100.100.200/32") && !except?.includes("100.100.100.200/32"));
        assert.deepEqual(open, []);
        assert.ok(out.length > 4 && out.every(({ to }) => to.length > 0), "a rule that names nobody opens every address");
    });

    it("let only pods with a collector ship logs: no Job, no store", async () => {
        const { "collectors-to-logs": found } = await policies({ logsPort: 10011 });
        assert.deepEqual(found, outOf(apps("sms-web", "sms-beat", "sms-worker", "sms-worker-bulk"), { to: anywhere, ports: tcp(10011) }));
    });

    it("close the namespace only after all intended connections are open, and before other objects are in it", async () => {
        const { deployed, result } = await deploy(() => new NetworkPolicies("network-policies", args));
        const { name, dependencies } = deployed.one(types.networkPolicy, "network-policies-default-deny");
        const others = deployed.resources.filter((resource) => resource.type === types.networkPolicy && resource.name !== name);
        assert.deepEqual(dependencies, others.map((resource) => resource.name).sort());
        assert.equal((await resolve(result.namespace)).value, "sms");
    });
});
