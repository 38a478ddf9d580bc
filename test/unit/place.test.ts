import assert from "node:assert/strict";
import { passwordMark } from "../../components/mongo";
import { marks } from "../../components/owner";
import { type Deployed, ownerId, types } from "../../lab/fixtures/deployed";
import { type Circumstances, emptyCluster, runProgram } from "../../lab/fixtures/program";
import { completed, localSecrets, onlineSecrets, stackFile } from "../../lab/fixtures/stackFile";
import { plannedObjects } from "../../preflight/planned";
import { readSettings } from "../../settings";

const local = (more: Record<string, string> = {}, circumstances: Circumstances = {}) =>
    runProgram("local", { ...stackFile("local"), ...more }, localSecrets, circumstances);
const inCluster = ({ resources }: Deployed) => resources.filter(({ type }) => type.startsWith("kubernetes:"));

describe("the program's namespace", () => {
    it("has a mark of the stack on every object: a readable name, and an id from its state", async () => {
        const { deployed } = await local();
        assert.deepEqual(deployed.one(types.stash).ignoreChanges, ["input"]);
        for (const { name, inputs } of inCluster(deployed)) {
            assert.equal(inputs.metadata.annotations[marks.name], "organization/sms/local", name);
            assert.equal(inputs.metadata.annotations[marks.id], ownerId, name);
        }
    });

    it("is claimed by the stack's own field manager: of two stacks, one gets a new namespace; a killed one can continue", async () => {
        const annotations = { [marks.name]: "organization/sms/local", [marks.id]: ownerId };
        for (const [found, force] of [
            [undefined, "false"],
            [{ name: "sms", annotations }, "true"],
        ] as const) {
            const { deployed } = await local({}, { cluster: { namespace: { value: found } } });
            const { inputs, ignoreChanges } = deployed.one(types.namespace);
            assert.equal(inputs.metadata.annotations["pulumi.com/patchFieldManager"], `sms-${ownerId}`);
            assert.equal(inputs.metadata.annotations["pulumi.com/patchForce"], force);
            // In both cases, the next `up` changes nothing.
            assert.deepEqual(ignoreChanges, [
                'metadata.annotations["pulumi.com/patchFieldManager"]',
                'metadata.annotations["pulumi.com/patchForce"]',
            ]);
        }
    });

    it("loses its id last: objects that a destroy leaves in the cluster still have the stack's mark", async () => {
        const { deployed } = await local();
        assert.deepEqual(deployed.one("pulumi:providers:kubernetes").dependencies, ["owner"]);
    });

    it("is an output of the stack, for its next up", async () => {
        const { result } = await runProgram("online", completed("online"), onlineSecrets);
        const [cluster] = Object.values(emptyCluster.id);
        assert.deepEqual(result.place, { cluster, isExistingNamespace: false, region: "cn-hangzhou", accountType: "Domestic" });
    });

    it("is refused with all reasons, before any resource except the stack's id is registered", async () => {
        const registered: string[] = [];
        const taken = { metadata: { name: "other", namespace: "other" }, spec: { ports: [{ nodePort: 31090 }] } };
        const cluster = {
            namespace: { value: { name: "sms", managedFields: [{ manager: "kubectl-create" }] } },
            services: { value: [taken] },
            nodes: { value: [] },
        };
        await assert.rejects(local({}, { cluster, onRegistered: (name) => registered.push(name) }), (error: Error) => {
            assert.equal(error.name, "PreflightError");
            assert.match(error.message, /namespace sms already exists[\s\S]*sms:web\.nodePort is 31090[\s\S]*would stay Pending/);
            return true;
        });
        assert.deepEqual(registered, ["owner"]);
    });

    it("is refused for a password other than that of MongoDB's volume; if the namespace is not its own, for that reason only", async () => {
        const claim = {
            metadata: { name: "data-mongo-0", annotations: { [passwordMark]: "none" } },
            spec: { resources: { requests: { storage: "512Mi" } } },
            status: { phase: "Bound" },
        };
        const claims = { value: [claim] };
        await assert.rejects(local({}, { cluster: { claims } }), { message: /^1 obstacle .*\n\n {2}sms:mongoPassword differs from/ });
        const namespace = { value: { name: "sms", managedFields: [{ manager: "kubectl-create" }] } };
        await assert.rejects(local({}, { cluster: { claims, namespace } }), {
            message: /^1 obstacle .*\n\n {2}namespace sms already exists/,
        });
    });

    it("is refused if the state has a half-made store, from any cause", async () => {
        const type = "alicloud:mongodb/instance:Instance";
        const urn = `urn:pulumi:online::sms::sms:mongo:Managed$${type}::mongo-instance`;
        const resources = (outputs: object) => ({ [urn]: { type, outputs } });
        const online = (more: Circumstances) => runProgram("online", completed("online"), onlineSecrets, more);
        await assert.rejects(online({ resources: resources({ id: "dds-1" }) }), (error: Error) => {
            assert.equal(error.name, "PreflightError");
            assert.match(error.message, /mongo-instance was made in the cloud and not finished/);
            assert.ok(
                error.message.includes(`pulumi refresh --yes --target '${urn}' --stack online, then run the same command again`),
                error.message,
            );
            return true;
        });
        await online({ resources: resources({ dbInstanceClass: "mdb.shard.2x.large.c" }) });
    });

    const growing: [string, Record<string, string>, object][] = [
        ["an autoscaler", {}, { hasAutoscaler: true, nodes: { value: [] } }],
        ["virtual nodes alone", {}, { nodes: { value: [{ metadata: { name: "virtual-kubelet", labels: { type: "virtual-kubelet" } } }] } }],
        ["an autoscaler that can't be seen", { cluster: '{"context":"sms-machine","addsNodes":true}' }, { nodes: { value: [] } }],
    ];
    for (const [what, more, cluster] of growing) {
        it(`with too little capacity is accepted if the cluster has ${what}`, async () => {
            const { deployed } = await local(more, { cluster });
            assert.ok(deployed.one(types.deployment, "web-deployment"));
        });
    }

    it("is refused by an up that can't read the namespace's owner", async () => {
        const reason = "its API server answers 403 when asked for its namespace sms";
        await assert.rejects(local({}, { cluster: { namespace: { reason } } }), {
            name: "PreflightError",
            message: /The owner of the namespace could not be checked: its API server answers 403/,
        });
    });

    const unreachable = new Error("connect ECONNREFUSED");

    it("is refused by an up whose cluster doesn't answer", async () => {
        await assert.rejects(local({}, { cluster: unreachable }), {
            name: "PreflightError",
            message: /could not be checked: connect ECONNREFUSED/,
        });
    });

    it("is not checked in a preview if the cluster doesn't answer", async () => {
        const { deployed } = await local({}, { cluster: unreachable, isPreview: true });
        assert.ok(deployed.one(types.deployment, "web-deployment"));
    });

    it("is checked by every up, but not by a preview that compares to nothing", async () => {
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

    it("is refused before the cloud is asked for a kubeconfig, if a setting names another one", async () => {
        const registered: string[] = [];
        const last = { namespace: "elsewhere" };
        const online = runProgram("online", completed("online"), onlineSecrets, { last, onRegistered: (name) => registered.push(name) });
        await assert.rejects(online, { name: "PreflightError", message: /sms:namespace is sms, but stack online lives in elsewhere/ });
        assert.deepEqual(registered, []);
    });

    it("that belongs to others keeps all of their objects", async () => {
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
        ["local with a ServiceAccount", { serviceAccount: "{}" }],
        ["local with a RAM role", { serviceAccount: '{"ramRole":"sms-pods"}' }],
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
        it(`detects every object with a name that others may have: ${title}`, async () => {
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
