import assert from "node:assert/strict";
import { types } from "../../lab/fixtures/deployed";
import { emptyCluster, runProgram } from "../../lab/fixtures/program";
import { localSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { priorityClassObstacles } from "../../preflight/priorityClasses";
import { problemsOf, settingsOf } from "./smallest";

const spot = { key: "spot", operator: "Equal", value: "yes", effect: "NoSchedule" };
const dedicated = { key: "dedicated", operator: "Exists" };
const platform = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" };

describe("the placement of pods", () => {
    const set = (path: string, value: string | number) => `pulumi config set --path '${path}' ${value} --stack online`;
    const remove = (path: string) => `pulumi config rm --path '${path}' --stack online`;

    /** The placement in the specs of all pods of the stack `local`, by the pods' names. */
    async function placed(changes: Record<string, object>) {
        const file = stackFile("local");
        const changed = Object.entries(changes).map(([key, block]) => [
            key,
            JSON.stringify({ ...JSON.parse(file[key] ?? "{}"), ...block }),
        ]);
        const nodes = {
            value: [
                {
                    metadata: { name: "node", labels: { pool: "apps", zone: "a", disk: "" } },
                    status: { allocatable: { cpu: "1000", memory: "1Ti", pods: "1000" } },
                },
            ],
        };
        const priorityClasses = { value: [{ metadata: { name: "high" }, value: 1000 }] };
        const cluster = { ...emptyCluster, nodes, priorityClasses };
        const { deployed } = await runProgram("local", { ...file, ...Object.fromEntries(changed) }, localSecrets, { cluster });
        const kinds: string[] = [types.deployment, types.statefulSet, types.job];
        const pods = deployed.resources.filter(({ type }) => kinds.includes(type));
        return Object.fromEntries(
            pods.map(({ name, inputs }) => {
                const { nodeSelector, tolerations, priorityClassName } = inputs.spec.template.spec;
                return [name, JSON.parse(JSON.stringify({ nodeSelector, tolerations, priorityClassName }))];
            }),
        );
    }

    it("is any node that can run the image, and any node for stores, if the file has no setting", async () => {
        const app = { nodeSelector: platform };
        assert.deepEqual(await placed({}), {
            "beat-deployment": app,
            "preparation-job": app,
            "web-deployment": app,
            "worker-deployment": app,
            "mongo-statefulset": {},
            "redis-statefulset": {},
        });
    });

    it("is set once for all pods, including the stores and the Job before them", async () => {
        const all = { tolerations: [spot, { operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 }], priorityClassName: "high" };
        const nodeSelector = { pool: "apps", disk: "" };
        const app = { ...all, nodeSelector: { ...nodeSelector, ...platform } };
        const store = { ...all, nodeSelector };
        assert.deepEqual(await placed({ placement: { ...all, nodeSelector } }), {
            "beat-deployment": app,
            "preparation-job": app,
            "web-deployment": app,
            "worker-deployment": app,
            "mongo-statefulset": store,
            "redis-statefulset": store,
        });
    });

    it("can be overridden for each of them: labels one by one, all else as a whole, and for a pool by sms:worker", async () => {
        const found = await placed({
            placement: { nodeSelector: { pool: "apps" }, tolerations: [spot] },
            web: { placement: { tolerations: [], priorityClassName: "high" } },
            worker: { placement: { nodeSelector: { zone: "a" } } },
            workerPools: { bulk: { placement: { tolerations: [dedicated] } } },
            beat: { placement: { nodeSelector: { pool: "apps" }, tolerations: [dedicated] } },
            redis: { placement: { tolerations: [] } },
        });
        const own = (nodeSelector: object, more: object) => ({ nodeSelector: { ...nodeSelector, ...platform }, ...more });
        assert.deepEqual(found, {
            "beat-deployment": own({ pool: "apps" }, { tolerations: [dedicated] }),
            "preparation-job": own({ pool: "apps" }, { tolerations: [spot] }),
            "web-deployment": own({ pool: "apps" }, { tolerations: [], priorityClassName: "high" }),
            "worker-deployment": own({ pool: "apps", zone: "a" }, { tolerations: [spot] }),
            "worker-bulk-deployment": own({ pool: "apps", zone: "a" }, { tolerations: [dedicated] }),
            "mongo-statefulset": { nodeSelector: { pool: "apps" }, tolerations: [spot] },
            "redis-statefulset": { nodeSelector: { pool: "apps" }, tolerations: [] },
        });
    });

    it("is refused before any change if no node matches", async () => {
        await assert.rejects(placed({ placement: { nodeSelector: { pool: "other" } } }), {
            name: "PreflightError",
            message:
                /no amd64 node with the label pool=other takes its pods\n {6}change their placement \(nodeSelector and tolerations in sms:web\.placement or sms:placement\), or add nodes/,
        });
    });

    it("is refused before any change if a PriorityClass doesn't exist, with one message", async () => {
        const placement = { priorityClassName: "urgent" };
        await assert.rejects(placed({ placement, web: { placement } }), {
            name: "PreflightError",
            message:
                /^1 .*\n\n {2}sms:placement\.priorityClassName is urgent, but the cluster has no PriorityClass of that name: Kubernetes would never create its pods\n {6}kubectl create priorityclass urgent --value NUMBER, or: remove sms:placement\.priorityClassName from Pulumi\.local\.yaml\n$/,
        });
        assert.deepEqual(priorityClassObstacles("test", new Map([["high", ["web"]]]), [{ metadata: { name: "high" }, value: 1 }]), []);
    });

    it("accepts the values that Kubernetes accepts", () => {
        const tolerations = [
            { operator: "Exists" },
            { ...dedicated, value: "" },
            { key: "a.b/c", value: "" },
            { key: "x", effect: "NoExecute" },
        ];
        const nodeSelector = { "alibabacloud.com/nodepool-id": "np-1", "node-role.kubernetes.io/worker": "" };
        const placement = { nodeSelector, tolerations, priorityClassName: "system-cluster-critical" };
        assert.deepEqual(settingsOf({ placement }).placement, placement);
        assert.deepEqual(Object.keys(settingsOf()).includes("placement"), false);
    });

    const label = "a Kubernetes label: letters, digits, - _ and . with letters or digits at both ends, 63 characters at most";
    const labelValue = `${label}, or ""; a number, true and false in quotes`;
    const pool = 'sms:placement.nodeSelector["kubernetes.io/arch"]';
    const one = "sms:web.placement.tolerations[0]";
    const refused: [what: string, placement: object, problem: string][] = [
        [
            "a label that the program sets",
            { placement: { nodeSelector: { "kubernetes.io/arch": "arm64" } } },
            `${pool} is "arm64"; allowed: another label, as the program sets this one by sms:image.platform | ${remove(pool)}`,
        ],
        [
            "a label with a prefix that is no domain",
            { placement: { nodeSelector: { "a..b/pool": "x" } } },
            `sms:placement.nodeSelector["a..b/pool"] is "x"; allowed: ${label} | ${remove('sms:placement.nodeSelector["a..b/pool"]')}`,
        ],
        [
            "a label's value with a space",
            { worker: { placement: { nodeSelector: { pool: "two words" } } } },
            `sms:worker.placement.nodeSelector.pool is "two words"; allowed: ${labelValue} | ${set("sms:worker.placement.nodeSelector.pool", "sms")}`,
        ],
        [
            "a label's value that YAML made a boolean",
            { beat: { placement: { nodeSelector: { gpu: true } } } },
            `sms:beat.placement.nodeSelector.gpu is true; allowed: ${labelValue}; did you mean true? | ${set("sms:beat.placement.nodeSelector.gpu", "true")}`,
        ],
        [
            "a toleration of every taint that doesn't say so",
            { web: { placement: { tolerations: [{ effect: "NoSchedule" }] } } },
            `${one}.operator is missing; allowed: Exists, as no key is given: it then matches every taint | ${set(`${one}.operator`, "Exists")}`,
        ],
        [
            "a toleration by a value of whatever has any",
            { web: { placement: { tolerations: [{ ...dedicated, value: "sms" }] } } },
            `${one}.value is "sms"; allowed: left out, as operator is Exists | ${remove(`${one}.value`)}`,
        ],
        [
            "a time for a taint that evicts nobody",
            { web: { placement: { tolerations: [{ ...spot, tolerationSeconds: 60 }] } } },
            `${one}.effect is "NoSchedule"; allowed: NoExecute, as tolerationSeconds is given | ${set(`${one}.effect`, "NoExecute")}`,
        ],
        [
            "another operator",
            { web: { placement: { tolerations: [{ key: "a", operator: "In" }] } } },
            `${one}.operator is "In"; allowed: Exists or Equal | ${set(`${one}.operator`, "Exists")}`,
        ],
        [
            "another effect",
            { web: { placement: { tolerations: [{ key: "a", effect: "NoStart" }] } } },
            `${one}.effect is "NoStart"; allowed: NoSchedule or PreferNoSchedule or NoExecute | ${set(`${one}.effect`, "NoSchedule")}`,
        ],
        [
            "less than no time",
            { web: { placement: { tolerations: [{ key: "a", effect: "NoExecute", tolerationSeconds: -1 }] } } },
            `${one}.tolerationSeconds is -1; allowed: a whole number from 0 to 31536000, without quotes | ${set(`${one}.tolerationSeconds`, 300)}`,
        ],
        [
            "a taint's key with a space",
            { web: { placement: { tolerations: [{ key: "a b" }] } } },
            `${one}.key is "a b"; allowed: a taint's key (kubectl describe node) | ${set(`${one}.key`, "dedicated")}`,
        ],
        [
            "one toleration in place of a list",
            { placement: { tolerations: dedicated } },
            'sms:placement.tolerations is {"key":"dedicated","operator":"Exists"}; allowed: a list of tolerations, each after a - | write it as a list: sms:placement.tolerations: with its entries indented below, each after a -',
        ],
        [
            "a PriorityClass that can't be one",
            { placement: { priorityClassName: "High" } },
            `sms:placement.priorityClassName is "High"; allowed: the name of a PriorityClass (kubectl get priorityclass) | ${set("sms:placement.priorityClassName", "sms-serving")}`,
        ],
    ];

    for (const [what, plain, problem] of refused) {
        it(`is refused with ${what}`, () => {
            assert.deepEqual(problemsOf(plain), [problem]);
        });
    }

    it("is refused with all faults together if several parts are wrong", () => {
        const tolerations = [{}, { ...dedicated, value: "x", tolerationSeconds: 1 }];
        assert.deepEqual(
            problemsOf({ placement: { nodeSelector: { pool: 1 }, tolerations, priorityClassName: "" } }).map(
                (problem) => problem.split(" ")[0],
            ),
            [
                "sms:placement.nodeSelector.pool",
                "sms:placement.tolerations[0].operator",
                "sms:placement.tolerations[1].value",
                "sms:placement.tolerations[1].effect",
                "sms:placement.priorityClassName",
            ],
        );
    });
});
