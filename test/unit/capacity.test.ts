import assert from "node:assert/strict";
import fc from "fast-check";
import { type Amounts, lacking, minus, written } from "../../capacity/amounts";
import { type ClusterNode, type ClusterPod, freeOn, requestsOf } from "../../capacity/cluster";
import { place, shortages, type Workload } from "../../capacity/placement";
import { type PriorityClass, wanted } from "../../capacity/wanted";
import type { Toleration } from "../../components/podTemplate";
import { listed } from "../../preflight/problems";
import { shortageObstacles } from "../../preflight/shortages";
import type { Settings } from "../../settings";

const gibibyte = 2 ** 30;

function node(name: string, cpu: string, more: Partial<ClusterNode["spec"]> = {}, pods = "110"): ClusterNode {
    return { metadata: { name }, spec: more, status: { allocatable: { cpu, memory: "8Gi", pods } } };
}

function pod(app: string, nodeName: string | undefined, cpu: string, namespace = "sms"): ClusterPod {
    return {
        metadata: { name: `${app}-1`, namespace, labels: { app } },
        spec: { nodeName, containers: [{ resources: { requests: { cpu, memory: "100Mi" } } }] },
        status: { phase: "Running" },
    };
}

function workload(name: string, replicas: number, cpu: number, more: Partial<Workload> = {}): Workload {
    return {
        name,
        key: [name],
        app: `sms-${name}`,
        replicas,
        requests: { cpu, memory: 0.1 * gibibyte, pods: 1 },
        needsSpare: false,
        ...more,
    };
}

const pendingIn = (nodes: ClusterNode[], pods: ClusterPod[], wanted: Workload[]) =>
    shortages({ nodes, pods }, "sms", wanted).map((shortage) => `${shortage.pending} ${shortage.workload.name}`);

describe("the pods that would stay Pending", () => {
    it("are none if all have capacity, to the last thousandth of a core", () => {
        assert.deepEqual(pendingIn([node("a", "0.6")], [], [workload("web", 6, 0.1)]), []);
        assert.deepEqual(pendingIn([node("a", "0.599")], [], [workload("web", 6, 0.1)]), ["1 web"]);
    });

    it("include the pods that an autoscaler added, up to its maximum", () => {
        const running = Array.from({ length: 5 }, () => pod("sms-web", "a", "0.2"));
        const web = workload("web", 2, 0.2);
        assert.deepEqual(pendingIn([node("a", "0.9")], running, [web]), []);
        assert.deepEqual(pendingIn([node("a", "0.9")], running, [{ ...web, maxReplicas: 8 }]), ["1 web"]);
        assert.deepEqual(pendingIn([node("a", "0.8")], running, [{ ...web, maxReplicas: 4 }]), []);
    });

    it("are those for which other pods leave no capacity", () => {
        const others = [pod("other", "a", "0.4", "elsewhere"), pod("sms-web", "a", "0.4", "elsewhere"), pod("other", "a", "0.4")];
        assert.deepEqual(pendingIn([node("a", "2")], others, [workload("web", 6, 0.2)]), ["2 web"]);
    });

    it("don't compete with the stack's own pods, which they replace", () => {
        assert.deepEqual(
            pendingIn([node("a", "1")], [pod("sms-web", "a", "0.5"), pod("sms-web", "a", "0.5")], [workload("web", 2, 0.5)]),
            [],
        );
    });

    it("don't compete with pods that have ended or are Pending themselves", () => {
        const ended = { ...pod("other", "a", "1"), status: { phase: "Succeeded" } };
        assert.deepEqual(pendingIn([node("a", "1")], [ended, pod("other", undefined, "1")], [workload("web", 1, 1)]), []);
    });

    it("need one node each: capacity on several nodes doesn't add up", () => {
        const nodes = [node("a", "0.3"), node("b", "0.3")];
        assert.deepEqual(pendingIn(nodes, [], [workload("web", 1, 0.5)]), ["1 web"]);
    });

    it("stay off nodes that are cordoned, tainted or not ready", () => {
        const nodes = [
            node("cordoned", "8", { unschedulable: true }),
            node("tainted", "8", { taints: [{ key: "node.kubernetes.io/disk-pressure", effect: "NoSchedule" }] }),
            { ...node("lost", "8"), status: { allocatable: { cpu: "8" }, conditions: [{ type: "Ready", status: "False" }] } },
            node("preferred elsewhere", "0.1", { taints: [{ key: "spot", effect: "PreferNoSchedule" }] }),
        ];
        assert.deepEqual(pendingIn(nodes, [], [workload("web", 2, 0.1)]), ["1 web"]);
    });

    it("have no capacity on nodes of another architecture", () => {
        const arm = { ...node("arm", "8"), status: { ...node("arm", "8").status, nodeInfo: { architecture: "arm64" } } };
        const labelled = { ...node("amd", "0.3"), metadata: { name: "amd", labels: { "kubernetes.io/arch": "amd64" } } };
        const web = workload("web", 3, 0.1);
        assert.deepEqual(pendingIn([arm, labelled], [], [{ ...web, architecture: "amd64" }, workload("redis", 1, 1)]), []);
        assert.deepEqual(pendingIn([arm, labelled], [], [{ ...web, replicas: 4, architecture: "amd64" }]), ["1 web"]);
        assert.deepEqual(pendingIn([arm, node("unknown", "1")], [], [{ ...web, replicas: 10, architecture: "amd64" }]), []);
    });

    it("have capacity only on nodes with the required labels", () => {
        const labelled = (name: string, labels: Record<string, string>) => ({ ...node(name, "1"), metadata: { name, labels } });
        const nodes = [labelled("a", { pool: "apps", gpu: "" }), labelled("b", { pool: "other" }), node("c", "8")];
        const web = (nodeSelector: Record<string, string>) => workload("web", 11, 0.1, { placement: { nodeSelector } });
        assert.deepEqual(pendingIn(nodes, [], [web({ pool: "apps" })]), ["1 web"]);
        assert.deepEqual(pendingIn(nodes, [], [web({ pool: "apps", gpu: "" })]), ["1 web"]);
        assert.deepEqual(pendingIn(nodes, [], [web({ pool: "apps", gpu: "yes" })]), ["11 web"]);
        assert.deepEqual(pendingIn(nodes, [], [web({})]), []);
    });

    const tainted = (value: string | undefined, effect: string) => node("a", "8", { taints: [{ key: "dedicated", value, effect }] });
    const tolerated: [what: string, toleration: Toleration, isRoom: boolean][] = [
        ["of the same key, value and effect", { key: "dedicated", operator: "Equal", value: "sms", effect: "NoSchedule" }, true],
        ["without an operator, which is Equal", { key: "dedicated", value: "sms" }, true],
        ["of whatever value and effect", { key: "dedicated", operator: "Exists" }, true],
        ["of every taint", { operator: "Exists" }, true],
        ["of another value", { key: "dedicated", value: "other" }, false],
        ["of no value", { key: "dedicated" }, false],
        ["of another effect", { key: "dedicated", operator: "Exists", effect: "NoExecute" }, false],
        ["of another key", { key: "other", operator: "Exists" }, false],
    ];
    for (const [what, toleration, isRoom] of tolerated) {
        it(`${isRoom ? "have capacity" : "have none"} on a tainted node by a toleration ${what}`, () => {
            const web = workload("web", 1, 0.1, { placement: { tolerations: [toleration] } });
            assert.deepEqual(pendingIn([tainted("sms", "NoSchedule")], [], [web]), isRoom ? [] : ["1 web"]);
        });
    }

    it("need every taint tolerated permanently: a node that evicts them later doesn't count", () => {
        const taints = [
            { key: "dedicated", value: "sms", effect: "NoSchedule" },
            { key: "spot", effect: "NoExecute" },
        ];
        const pending = (...tolerations: Toleration[]) =>
            pendingIn([node("a", "8", { taints })], [], [workload("web", 1, 0.1, { placement: { tolerations } })]);
        const spot = { key: "spot", operator: "Exists" } as const;
        assert.deepEqual(pending(spot), ["1 web"]);
        assert.deepEqual(pending(spot, { key: "dedicated", value: "sms" }), []);
        assert.deepEqual(pending({ key: "spot" }, { key: "dedicated", value: "sms" }), []);
        assert.deepEqual(pending({ ...spot, effect: "NoExecute", tolerationSeconds: 60 }, { key: "dedicated", value: "sms" }), ["1 web"]);
    });

    it("replace others' pods of a lower priority, but not of the same or a higher one", () => {
        const other = (priority: number | undefined) => {
            const one = pod("other", "a", "0.5", "elsewhere");
            return { ...one, spec: { ...one.spec, priority } };
        };
        const web = (priority?: number) => [workload("web", 1, 0.8, { priority })];
        assert.deepEqual(pendingIn([node("a", "1")], [other(-10)], web(0)), []);
        assert.deepEqual(pendingIn([node("a", "1")], [other(-10)], web()), ["1 web"]);
        assert.deepEqual(pendingIn([node("a", "1")], [other(undefined)], web(0)), ["1 web"]);
        assert.deepEqual(pendingIn([node("a", "1")], [other(undefined)], web(1)), []);
        assert.deepEqual(pendingIn([node("a", "1")], [other(-10)], [workload("web", 2, 0.8, { priority: 0 })]), ["1 web"]);
        assert.deepEqual(pendingIn([node("a", "1")], [pod("sms-web", "a", "0.8"), other(1)], web(1)), ["1 web"]);
    });

    it("are counted by memory and by the number of pods, too", () => {
        assert.deepEqual(
            pendingIn([node("a", "8")], [], [workload("web", 3, 0.1, { requests: { cpu: 0.1, memory: 3 * gibibyte, pods: 1 } })]),
            ["1 web"],
        );
        assert.deepEqual(pendingIn([node("a", "8", {}, "2")], [], [workload("web", 3, 0.1)]), ["1 web"]);
    });

    it("are placed in order of size, the biggest first", () => {
        const nodes = [node("a", "1"), node("b", "0.5")];
        assert.deepEqual(pendingIn(nodes, [], [workload("web", 5, 0.1), workload("worker", 1, 1)]), []);
    });

    it("stay on their nodes, and are not moved in the calculation", () => {
        // A worker that requests 0.8 CPU would fit if both web pods were on one node.
        const running = [pod("sms-web", "a", "0.3"), pod("sms-web", "b", "0.3")];
        const asked = [workload("web", 2, 0.3), workload("worker", 1, 0.8)];
        assert.deepEqual(pendingIn([node("a", "1"), node("b", "1")], running, asked), ["1 worker"]);
        assert.deepEqual(pendingIn([node("a", "1"), node("b", "1")], [], asked), []);
    });

    it("are attributed to the workload whose smaller number makes room for all", () => {
        const [shortage, ...others] = shortages({ nodes: [node("a", "1")], pods: [] }, "sms", [
            workload("beat", 1, 0.01),
            workload("web", 60, 0.05),
            workload("worker", 1, 0.05),
        ]);
        assert.deepEqual([shortage?.workload.name, shortage?.pending, shortage?.fitting, others], ["web", 42, 18, []]);
    });

    it("are all reported if no single workload is the cause", () => {
        assert.deepEqual(pendingIn([node("a", "1")], [], [workload("web", 2, 2), workload("beat", 1, 2)]), ["2 web", "1 beat"]);
    });

    it("include the additional pod of a rollout, for each workload that is rolled", () => {
        const rolled = [workload("web", 2, 0.2, { needsSpare: true }), workload("worker", 2, 0.2, { needsSpare: true })];
        assert.deepEqual(pendingIn([node("a", "1.2")], [], rolled), []);
        assert.deepEqual(pendingIn([node("a", "1")], [], rolled), ["0 worker"]);
        assert.deepEqual(pendingIn([node("a", "0.9")], [], rolled), ["0 web", "0 worker"]);
    });

    const anyNode = fc.record({ cpu: fc.integer({ min: 0, max: 40 }), open: fc.boolean() });
    const anyWorkload = fc.record({ replicas: fc.integer({ min: 1, max: 12 }), cpu: fc.integer({ min: 1, max: 20 }), spare: fc.boolean() });
    const anyPod = fc.record({
        of: fc.integer({ min: 0, max: 3 }),
        on: fc.integer({ min: 0, max: 5 }),
        cpu: fc.integer({ min: 0, max: 20 }),
    });
    const anyCluster = fc.tuple(
        fc.array(anyNode, { maxLength: 6 }),
        fc.array(anyWorkload, { minLength: 1, maxLength: 3 }),
        fc.array(anyPod, { maxLength: 10 }),
    );
    const made = ([nodes, workloads, pods]: typeof anyCluster extends fc.Arbitrary<infer T> ? T : never) => ({
        nodes: nodes.map(({ cpu, open }, n) => node(`node-${n}`, `${cpu * 100}m`, { unschedulable: !open })),
        wanted: workloads.map(({ replicas, cpu, spare }, n) => workload(`w${n}`, replicas, cpu / 10, { needsSpare: spare })),
        pods: pods.map(({ of, on, cpu }) => pod(`sms-w${of}`, `node-${on}`, `${cpu * 100}m`)),
    });

    it("are complete: if all fit, each pod has a node, and no node exceeds its capacity", () => {
        fc.assert(
            fc.property(anyCluster, (given) => {
                const { nodes, wanted, pods } = made(given);
                const { placed, pending } = place({ nodes, pods }, "sms", wanted);
                for (const { app, replicas, name } of wanted) {
                    const waiting = pending.find(({ workload }) => workload.name === name)?.count ?? 0;
                    assert.equal(placed.filter(({ workload }) => workload.app === app).length + waiting, replicas);
                }
                const others = pods.filter(({ metadata }) => !wanted.some(({ app }) => app === metadata.labels?.app));
                const free = freeOn(nodes, others);
                for (const { workload, node } of placed) {
                    const room = free.get(node) as Amounts;
                    assert.deepEqual(lacking(workload.requests, room), [], `${workload.name} on ${node}`);
                    free.set(node, minus(room, workload.requests));
                }
            }),
        );
    });

    it("are, on an empty cluster, exactly those that first-fit-decreasing can't place", () => {
        fc.assert(
            fc.property(anyCluster, (given) => {
                const { nodes, wanted } = made(given);
                const rooms = given[0].filter(({ open }) => open).map(({ cpu }) => cpu);
                const sizes = given[1].flatMap(({ replicas, cpu }) => Array<number>(replicas).fill(cpu)).sort((a, b) => b - a);
                let homeless = 0;
                for (const size of sizes) {
                    const first = rooms.findIndex((room) => room >= size);
                    homeless += first === -1 ? 1 : 0;
                    rooms[first] = Number(rooms[first]) - size;
                }
                const { pending } = place(
                    {
                        nodes: nodes.map((one) => ({ ...one, status: { allocatable: { ...one.status?.allocatable, memory: "1Ti" } } })),
                        pods: [],
                    },
                    "sms",
                    wanted,
                );
                assert.equal(
                    pending.reduce((total, { count }) => total + count, 0),
                    homeless,
                );
            }),
        );
    });

    it("would have capacity with the proposed number", () => {
        fc.assert(
            fc.property(anyCluster, (given) => {
                const { nodes, wanted, pods } = made(given);
                for (const { workload, fitting } of shortages({ nodes, pods }, "sms", wanted)) {
                    if (fitting !== undefined) {
                        const fewer = wanted.map((other) => (other === workload ? { ...other, replicas: fitting } : other));
                        assert.deepEqual(shortages({ nodes, pods }, "sms", fewer), []);
                    }
                }
            }),
        );
    });
});

describe("a pod's requests", () => {
    const container = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });

    it("are the sum of its containers and its native sidecars", () => {
        const spec = {
            containers: [container("250m", "200Mi"), container("0.5", "1Gi"), {}],
            initContainers: [{ ...container("125m", "64Mi"), restartPolicy: "Always" }],
        };
        assert.deepEqual(requestsOf(spec), { cpu: 0.875, memory: (200 + 1024 + 64) * 2 ** 20, pods: 1 });
    });

    it("are those of an init container and the sidecars before it, if that is more", () => {
        const spec = {
            containers: [container("100m", "100Mi")],
            initContainers: [container("50m", "10Mi"), { ...container("20m", "64Mi"), restartPolicy: "Always" }, container("1", "10Mi")],
        };
        assert.deepEqual(requestsOf(spec), { cpu: 1.02, memory: 164 * 2 ** 20, pods: 1 });
    });

    it("include the runtime's overhead, or are the pod's own values", () => {
        assert.equal(requestsOf({ containers: [container("1", "1Gi")], overhead: { cpu: "250m" } }).cpu, 1.25);
        assert.equal(requestsOf({ containers: [container("1", "1Gi")], resources: { requests: { cpu: "3" } } }).cpu, 3);
    });

    it("are shown in common units, and free capacity is never rounded up", () => {
        const values = [
            written("cpu", 0.6),
            written("cpu", 0.199),
            written("cpu", -0.1),
            written("memory", 300 * 2 ** 20),
            written("memory", 1.59 * gibibyte),
        ];
        assert.deepEqual(values, ["0.6", "0.19", "0", "300Mi", "1.5Gi"]);
    });
});

describe("the stack's requests to the cluster", () => {
    const sized = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });
    const pool = (name: string, key: string[], replicas: number) => {
        const rollout = { maxSurge: 0, maxUnavailable: "25%" };
        return { name, key, ...sized("0.2", "200Mi"), replicas, rollout };
    };
    const settings = {
        redis: { kind: "cluster", ...sized("0.1", "64Mi") },
        mongo: { kind: "external" },
        beat: sized("10m", "64Mi"),
        web: { ...sized("0.1", "200Mi"), replicas: 6, rollout: { maxSurge: "25%", maxUnavailable: 0 } },
        workers: [pool("worker", ["worker"], 6), pool("worker-bulk", ["workerPools", "bulk"], 2)],
        logs: {},
        image: { platform: "linux/arm64" },
    } as unknown as Settings;

    it("are those of its settings, without external stores", () => {
        assert.deepEqual(
            wanted(settings).map(({ app, replicas, requests, needsSpare }) => [app, replicas, requests, needsSpare]),
            [
                ["redis", 1, { cpu: 0.1, memory: 64 * 2 ** 20, pods: 1 }, false],
                ["sms-beat", 1, { cpu: 0.01, memory: 64 * 2 ** 20, pods: 1 }, false],
                ["sms-web", 6, { cpu: 0.1, memory: 200 * 2 ** 20, pods: 1 }, true],
                ["sms-worker", 6, { cpu: 0.2, memory: 200 * 2 ** 20, pods: 1 }, false],
                ["sms-worker-bulk", 2, { cpu: 0.2, memory: 200 * 2 ** 20, pods: 1 }, true],
            ],
        );
    });

    it("are for nodes that can run the image; for a store, for nodes that its image supports", () => {
        assert.deepEqual(
            wanted(settings).map(({ app, architecture }) => [app, architecture]),
            [
                ["redis", undefined],
                ["sms-beat", "arm64"],
                ["sms-web", "arm64"],
                ["sms-worker", "arm64"],
                ["sms-worker-bulk", "arm64"],
            ],
        );
    });

    it("have the placement of the settings, with the priority of their class, or the cluster's default", () => {
        const of = (priorityClassName?: string) => ({ nodeSelector: { pool: "apps" }, priorityClassName });
        const { web, beat, redis } = settings;
        const placed = {
            ...settings,
            web: { ...web, placement: of("high") },
            beat: { ...beat, placement: of("polite") },
            redis: { ...redis, placement: of() },
        };
        const high = { metadata: { name: "high" }, value: 1000 };
        const polite = { metadata: { name: "polite" }, value: 500, preemptionPolicy: "Never" };
        const priorities = (classes?: PriorityClass[]) => wanted(placed as unknown as Settings, classes).map(({ priority }) => priority);
        assert.deepEqual(
            wanted(placed as unknown as Settings, []).map(({ placement }) => placement?.nodeSelector?.pool),
            ["apps", "apps", "apps", undefined, undefined],
        );
        assert.deepEqual(priorities([high, polite]), [0, undefined, 1000, 0, 0]);
        assert.deepEqual(priorities([high, polite, { metadata: { name: "x" }, value: 7, globalDefault: true }]), [
            7,
            undefined,
            1000,
            7,
            7,
        ]);
        assert.deepEqual(priorities(), [undefined, undefined, undefined, undefined, undefined]);
    });

    it("include a log collector in each of the app's pods if logs are shipped", () => {
        const ship = { image: "collector:1", ...sized("20m", "64Mi") };
        const [redis, beat, web] = wanted({ ...settings, logs: { ship } } as unknown as Settings);
        assert.equal(redis?.requests.cpu, 0.1);
        // The collector, and the sidecar that keeps it running until the pod's last line.
        assert.equal(beat?.requests.cpu.toFixed(3), "0.031");
        assert.equal(web?.requests.memory, (200 + 64 + 8) * 2 ** 20);
    });

    it("count a percentage of unavailable pods as Kubernetes does: rounded down", () => {
        const workers = [pool("worker", ["worker"], 3), pool("worker", ["worker"], 4)];
        assert.deepEqual(
            wanted({ ...settings, workers } as unknown as Settings)
                .slice(-2)
                .map(({ needsSpare }) => needsSpare),
            [true, false],
        );
    });
});

describe("the message about capacity", () => {
    const shortage = (nodes: ClusterNode[], ...wanted: Workload[]) =>
        listed(shortageObstacles("online", shortages({ nodes, pods: [] }, "sms", wanted)));

    it("names the missing and all pods, their requests, the free capacity and the change", () => {
        assert.equal(
            shortage([node("a", "0.8")], workload("web", 6, 0.2)),
            [
                "  2 of 6 web pods would stay Pending: 0.4 cpu requested, 0 free",
                "      pulumi config set --path 'sms:web.replicas' 4 --stack online, or ask for less in sms:web.resources.requests, or add nodes",
                "",
            ].join("\n"),
        );
    });

    it("names a pool of workers by its pods, and its key in the stack file", () => {
        const bulk = { ...workload("worker-bulk", 2, 0.5), key: ["workerPools", "bulk"] };
        const words = shortage([node("a", "0.8")], bulk);
        assert.match(words, /1 of 2 worker-bulk pods would stay Pending/);
        assert.match(words, /'sms:workerPools\.bulk\.replicas' 1 .* ask for less in sms:workerPools\.bulk\.resources\.requests/);
    });

    it("names the largest free part if only the sum would be enough", () => {
        assert.match(
            shortage([node("a", "0.4"), node("b", "0.5")], workload("beat", 1, 0.6)),
            /1 of 1 beat pod would stay Pending: 0\.6 cpu requested, 0\.9 free, 0\.5 at most on one node\n {6}ask for less in/,
        );
    });

    it("names every resource that is short", () => {
        const huge = workload("web", 1, 9, { requests: { cpu: 9, memory: 9 * gibibyte, pods: 1 } });
        assert.match(shortage([node("a", "8")], huge), /9 cpu requested, 8 free; 9Gi memory requested, 8Gi free/);
    });

    it("names the effect of a rollout without capacity for one more pod", () => {
        assert.match(
            shortage([node("a", "0.6")], workload("web", 3, 0.2, { needsSpare: true })),
            /a rollout of web could not begin, as its additional pod would stay Pending: 0\.2 cpu requested, 0 free\n {6}pulumi config set --path 'sms:web\.replicas' 2 --stack online, or pulumi config set --path 'sms:web\.rollout\.maxUnavailable' 1 --stack online, or/,
        );
    });

    it("says if no node can run the image", () => {
        const arm = { ...node("arm", "8"), status: { ...node("arm", "8").status, nodeInfo: { architecture: "arm64" } } };
        assert.match(
            shortage([arm], workload("web", 1, 0.2, { architecture: "amd64" })),
            /1 of 1 web pod would stay Pending: no amd64 node takes its pods/,
        );
    });

    it("says if there is no node", () => {
        assert.match(shortage([], workload("web", 1, 0.2)), /1 of 1 web pod would stay Pending: no node takes its pods/);
    });

    it("says if no node has the labels or all have a taint, and names the change", () => {
        const placement = { nodeSelector: { pool: "apps", gpu: "" } };
        assert.equal(
            shortage([node("a", "8")], { ...workload("worker-bulk", 1, 0.2, { placement }), key: ["workerPools", "bulk"] }),
            [
                "  1 of 1 worker-bulk pod would stay Pending: no node with the labels pool=apps, gpu= takes its pods",
                "      change their placement (nodeSelector and tolerations in sms:workerPools.bulk.placement or sms:placement), or add nodes",
                "",
            ].join("\n"),
        );
    });
});
