import assert from "node:assert/strict";
import { marks } from "../../components/owner";
import { plannedObjects } from "../../preflight/planned";
import { readSettings } from "../../settings";
import { type Deployed, ownerId, types } from "./deployed";
import { type Circumstances, emptyCluster, runProgram } from "./program";
import { completed, localSecrets, onlineSecrets, stackFile } from "./stackFile";

const local = (more: Record<string, string> = {}, circumstances: Circumstances = {}) =>
    runProgram("local", { ...stackFile("local"), ...more }, localSecrets, circumstances);
const inCluster = ({ resources }: Deployed) => resources.filter(({ type }) => type.startsWith("kubernetes:"));

describe("the program's place", () => {
    it("marks every object with the stack, by a name for people and an id that its state keeps", async () => {
        const { deployed } = await local();
        assert.deepEqual(deployed.one(types.stash).ignoreChanges, ["input"]);
        for (const { name, inputs } of inCluster(deployed)) {
            assert.equal(inputs.metadata.annotations[marks.name], "organization/sms/local", name);
            assert.equal(inputs.metadata.annotations[marks.id], ownerId, name);
        }
    });

    it("forgets its id last of all: whatever a destroy leaves in the cluster is known to be the stack's", async () => {
        const { deployed } = await local();
        assert.deepEqual(deployed.one("pulumi:providers:kubernetes").dependencies, ["owner"]);
    });

    it("is said by the stack, for its next up", async () => {
        const { result } = await runProgram("online", completed("online"), onlineSecrets);
        const [cluster] = Object.values(emptyCluster.id);
        assert.deepEqual(result.place, { cluster, isExistingNamespace: false, region: "cn-hangzhou", accountType: "Domestic" });
    });

    it("is refused with all that is in the way, before anything but the stack's id is registered", async () => {
        const registered: string[] = [];
        const taken = { metadata: { name: "other", namespace: "other" }, spec: { ports: [{ nodePort: 31090 }] } };
        const cluster = {
            namespace: { value: { name: "sms", managedFields: [{ manager: "kubectl-create" }] } },
            services: { value: [taken] },
            nodes: { value: [] },
        };
        await assert.rejects(local({}, { cluster, onRegistered: (name) => registered.push(name) }), (error: Error) => {
            assert.equal(error.name, "PreflightError");
            assert.match(error.message, /namespace sms is there already[\s\S]*sms:web\.nodePort is 31090[\s\S]*would stay Pending/);
            return true;
        });
        assert.deepEqual(registered, ["owner"]);
    });

    const growing: [string, Record<string, string>, object][] = [
        ["an autoscaler", {}, { hasAutoscaler: true, nodes: { value: [] } }],
        ["virtual nodes alone", {}, { nodes: { value: [{ metadata: { name: "virtual-kubelet", labels: { type: "virtual-kubelet" } } }] } }],
        ["an autoscaler that can't be seen", { cluster: '{"context":"sms-machine","addsNodes":true}' }, { nodes: { value: [] } }],
    ];
    for (const [what, more, cluster] of growing) {
        it(`without room is no obstacle where the cluster has ${what}`, async () => {
            const { deployed } = await local(more, { cluster });
            assert.ok(deployed.one(types.deployment, "web-deployment"));
        });
    }

    it("is refused by an up that can't learn whose the namespace is", async () => {
        const reason = "its API server answers 403 when asked for its namespace sms";
        await assert.rejects(local({}, { cluster: { namespace: { reason } } }), {
            name: "PreflightError",
            message: /Whose the namespace is could not be checked: its API server answers 403/,
        });
    });

    const unreachable = new Error("connect ECONNREFUSED");

    it("is refused by an up whose cluster doesn't answer", async () => {
        await assert.rejects(local({}, { cluster: unreachable }), {
            name: "PreflightError",
            message: /could not be checked: connect ECONNREFUSED/,
        });
    });

    it("is no matter of a preview whose cluster doesn't answer", async () => {
        const { deployed } = await local({}, { cluster: unreachable, isPreview: true });
        assert.ok(deployed.one(types.deployment, "web-deployment"));
    });

    it("is looked at by every up, and by no preview that compares to nothing", async () => {
        const cluster = { namespace: { value: { name: "sms" } } };
        process.env.SMS_PREVIEW_WITHOUT_CLUSTER = "true";
        try {
            await assert.rejects(local({}, { cluster }), { name: "PreflightError" });
            const { deployed } = await local({}, { cluster, isPreview: true });
            assert.ok(deployed.one(types.deployment, "web-deployment"));
        } finally {
            delete process.env.SMS_PREVIEW_WITHOUT_CLUSTER;
        }
    });

    it("is refused before the cloud is asked for a kubeconfig, where a setting says another one", async () => {
        const registered: string[] = [];
        const last = { namespace: "elsewhere" };
        const online = runProgram("online", completed("online"), onlineSecrets, { last, onRegistered: (name) => registered.push(name) });
        await assert.rejects(online, { name: "PreflightError", message: /sms:namespace is sms, but stack online lives in elsewhere/ });
        assert.deepEqual(registered, []);
    });

    it("in somebody else's namespace touches nothing that isn't the product's", async () => {
        const namespace = { value: { name: "shared" } };
        const { deployed, result } = await local({ namespace: "shared", existingNamespace: "true" }, { cluster: { namespace } });
        assert.deepEqual(
            deployed.resources.filter(({ type }) => type === types.namespace),
            [],
        );
        const policies = deployed.resources.filter(({ type }) => type === types.networkPolicy);
        assert.equal(policies.length, 9);
        for (const { name, inputs } of policies) {
            assert.equal(inputs.spec.podSelector.matchLabels["app.kubernetes.io/part-of"], "sms", name);
        }
        assert.equal(result.place.isExistingNamespace, true);
    });

    const cases: [string, Record<string, string>][] = [
        ["local", {}],
        ["local with a namespace of others", { existingNamespace: "true" }],
        ["local without NetworkPolicies", { networkPolicies: '{"enabled":false}' }],
        [
            "local with pools that grow, KEDA and monitoring",
            {
                keda: "{}",
                monitoring: '{"kind":"operator"}',
                web: '{"replicas":2,"autoscale":{"maxReplicas":4}}',
                worker: '{"replicas":1,"autoscale":{"kind":"queue","maxReplicas":4,"tasksPerPod":10}}',
                workerPools: '{"bulk":{}}',
                logs: '{"ship":{"to":{"kind":"otlp","endpoint":"https://otlp.example.com"}}}',
            },
        ],
    ];
    for (const [title, more] of cases) {
        it(`knows every object of a name that others may have: ${title}`, async () => {
            let planned: { kind: string; name: string }[] = [];
            const namespace = { value: { name: "sms", annotations: { [marks.name]: "organization/sms/local" } } };
            const cluster = more.existingNamespace ? { namespace: { value: { name: "sms" } } } : { namespace };
            const { deployed } = await local(more, { cluster, onSettings: () => (planned = plannedObjects(readSettings())) });
            const made = inCluster(deployed)
                .filter(({ type, inputs }) => inputs.metadata.name !== undefined && type !== types.namespace)
                .map(({ type, inputs }) => `${type.split(":").at(-1)} ${inputs.metadata.name}`);
            assert.deepEqual(planned.map(({ kind, name }) => `${kind} ${name}`).sort(), made.sort());
        });
    }
});
