import assert from "node:assert/strict";
import { markOf, passwordMark } from "../../components/mongo";
import { marks, type Owner } from "../../components/owner";
import { deploy, ownerId } from "../../lab/fixtures/deployed";
import { halfMadeObstacles, resourcesOf } from "../../preflight/halfMade";
import { movedCluster, movedSettings } from "../../preflight/moved";
import { nodePortObstacles } from "../../preflight/nodePorts";
import { type Claim, namespaceObstacles, objectObstacles } from "../../preflight/owner";
import { PreflightError } from "../../preflight/problems";
import type { ClusterService, ObjectMeta } from "../../preflight/readCluster";
import { passwordObstacles, type VolumeClaim, type Volumes, volumeObstacles } from "../../preflight/volumes";
import type { Settings } from "../../settings";

const owner: Owner = { name: "organization/sms/test", id: ownerId };
const claim: Claim = { stack: "test", owner, namespace: "shared", isExisting: false };
const marked = (name: string, id?: string) => ({
    annotations: { [marks.name]: name, ...(id === undefined ? {} : { [marks.id]: id }) },
});
const own = marked(owner.name, owner.id);
const otherId = "99999999-9999-4999-8999-999999999999";
const applied = (manager: string) => ({ managedFields: [{ manager }] });
const namespace = (more: Partial<ObjectMeta>): ObjectMeta => ({ name: "shared", ...more });
const words = (obstacles: { message: string; fix: string }[]) => obstacles.map(({ message, fix }) => `${message} | ${fix}`);
const setNamespace = "pulumi config set sms:namespace sms-test --stack test";

describe("a namespace", () => {
    const verdict = (found: ObjectMeta | undefined, more: Partial<Claim> = {}) => words(namespaceObstacles(found, { ...claim, ...more }));

    it("is created if there is none", () => {
        assert.deepEqual(verdict(undefined), []);
    });

    it("that is being deleted is refused, for every owner", () => {
        assert.deepEqual(verdict(namespace({ ...own, deletionTimestamp: "2026-01-01T00:00:00Z" })), [
            "namespace shared is being deleted | kubectl wait --for=delete namespace/shared",
        ]);
    });

    it("is taken over by the stack whose mark it has, after a killed up", () => {
        assert.deepEqual(verdict(namespace(own)), []);
    });

    it("is taken over by the stack that an operator named its owner", () => {
        assert.deepEqual(verdict(namespace(marked(owner.name))), []);
    });

    it("is refused if it has another stack's mark, with that stack's name", () => {
        assert.deepEqual(verdict(namespace(marked("organization/sms/local", otherId))), [
            `namespace shared belongs to stack organization/sms/local | ${setNamespace}`,
        ]);
    });

    it("is refused if a stack of the same name in another backend has it", () => {
        assert.deepEqual(verdict(namespace(marked(owner.name, otherId))), [
            `namespace shared belongs to another stack with this one's name, organization/sms/test: in another backend, or with a lost state | ${setNamespace}, or, if that state is lost: kubectl annotate --overwrite namespace shared sms/stack=organization/sms/test sms/stack-id-`,
        ]);
    });

    it("is refused with a proposed name that is valid, for any stack name", () => {
        const taken = { ...marked(owner.name, otherId) };
        const suggested = (stack: string, name: string) =>
            /sms:namespace (\S+) /.exec(verdict(namespace(taken), { stack, namespace: name })[0] ?? "")?.[1];
        assert.equal(suggested("test", "sms-test"), "sms-test-2");
        assert.equal(suggested("Online_cn.2", "sms"), "sms-online-cn-2");
        assert.equal(suggested("a".repeat(80), "sms")?.length, 60);
    });

    it("is refused if it has no mark", () => {
        assert.deepEqual(verdict(namespace(applied("kubectl-create"))), [
            `namespace shared already exists, and stack test didn't create it | ${setNamespace}, or, to use it without changing it: pulumi config set sms:existingNamespace true --stack test, or, if it belongs to this stack nevertheless: kubectl annotate --overwrite namespace shared sms/stack=organization/sms/test sms/stack-id-`,
        ]);
    });

    it("belongs to the stack if an older version created it and the stack's last up used it", () => {
        assert.deepEqual(verdict(namespace(applied("sms")), { lastNamespace: "shared" }), []);
    });

    it("is refused if an older version created it and the stack never used it", () => {
        assert.equal(verdict(namespace(applied("sms"))).length, 1);
        assert.equal(verdict(namespace(applied("sms")), { lastNamespace: "sms" }).length, 1);
    });

    it("is refused if it was deleted and created again since the stack's last up", () => {
        assert.equal(verdict(namespace(applied("kubectl-create")), { lastNamespace: "shared" }).length, 1);
    });

    it("that two stacks of an older version share belongs to the first that marks it; the other learns how not to delete it", () => {
        assert.deepEqual(verdict(namespace(marked("organization/sms/local", otherId)), { lastNamespace: "shared" }), [
            `namespace shared belongs to stack organization/sms/local | don't destroy stack test: that would delete resources of organization/sms/local. Remove this stack's state instead: pulumi stack rm --force --preserve-config test, then pulumi stack init test, then ${setNamespace}`,
        ]);
    });

    it("that the settings call existing may be anybody's, but must exist and not belong to another stack", () => {
        assert.deepEqual(verdict(namespace(applied("kubectl-create")), { isExisting: true }), []);
        assert.deepEqual(verdict(undefined, { isExisting: true }), [
            "namespace shared doesn't exist, but sms:existingNamespace says that it does | kubectl create namespace shared, or pulumi config rm sms:existingNamespace --stack test",
        ]);
        assert.equal(verdict(namespace(marked("organization/sms/local", otherId)), { isExisting: true }).length, 1);
    });
});

describe("an object in the namespace", () => {
    const planned = [{ kind: "Service", name: "redis" }];
    const service = (more: Partial<ObjectMeta>) => ({ kind: "Service", name: "redis", namespace: "shared", ...more });
    const verdict = (found: ReturnType<typeof service>, more: Partial<Claim> = {}) =>
        words(objectObstacles([found], planned, { ...claim, ...more }));

    it("is applied again if the stack created it", () => {
        assert.deepEqual(verdict(service(own)), []);
        assert.deepEqual(verdict(service(own), { isExisting: true }), []);
    });

    it("is refused if another stack created it", () => {
        assert.deepEqual(verdict(service(marked("organization/sms/local", otherId)), { isExisting: true }), [
            "Service redis in namespace shared belongs to stack organization/sms/local | choose another namespace, or, if it belongs to this stack nevertheless: kubectl annotate --overwrite service redis --namespace shared sms/stack=organization/sms/test sms/stack-id-",
        ]);
    });

    it("is refused if a user created it", () => {
        assert.match(
            verdict(service(applied("helm")))[0] ?? "",
            /^Service redis in namespace shared already exists, and stack test didn't/,
        );
    });

    it("of an older version belongs to the stack in its own namespace, but not in another one", () => {
        assert.deepEqual(verdict(service(applied("sms"))), []);
        assert.equal(verdict(service(applied("sms")), { isExisting: true }).length, 1);
    });

    it("that is a claim belongs to the stack in its own namespace if an older version's StatefulSet created it", () => {
        const planned = [{ kind: "PersistentVolumeClaim", name: "data-redis-0" }];
        const found = { ...service(applied("kube-controller-manager")), ...planned[0] } as ReturnType<typeof service>;
        assert.deepEqual(objectObstacles([found], planned, claim), []);
        assert.equal(objectObstacles([found], planned, { ...claim, isExisting: true }).length, 1);
        assert.equal(verdict(service(applied("kube-controller-manager"))).length, 1);
    });

    it("is ignored if the stack has no object of that kind and name", () => {
        assert.deepEqual(
            objectObstacles([service({}), { ...service({}), kind: "Deployment" }], [{ kind: "Service", name: "web" }], claim),
            [],
        );
    });
});

describe("a volume of a store in the cluster", () => {
    const volume = (storage: string, there = storage, storageClassName = "standard"): VolumeClaim => ({
        metadata: { name: "data-redis-0" },
        spec: { storageClassName, resources: { requests: { storage } } },
        status: { phase: "Bound", capacity: { storage: there } },
    });
    const classes = [{ metadata: { name: "standard" }, allowVolumeExpansion: true }, { metadata: { name: "fixed" } }];
    const verdict = (redis: object, volumes: Partial<Volumes>) => {
        const settings = { namespace: "sms", redis: { kind: "cluster", ...redis }, mongo: { kind: "external" } } as unknown as Settings;
        return words(volumeObstacles("test", settings, { claims: [], classes, ...volumes }));
    };
    const setTo = (storage: string) => `pulumi config set --path 'sms:redis.storage' ${storage} --stack test`;

    it("grows if its class allows it, and may stay unchanged in any class", () => {
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("1Gi")] }), []);
        assert.deepEqual(verdict({ storage: "1024Mi" }, { claims: [volume("1Gi", "20Gi", "fixed")] }), []);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [] }), []);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [{ ...volume("9Gi"), metadata: { name: "data-mongo-0" } }] }), []);
    });

    it("is refused if it would grow in a class that doesn't allow it or was deleted", () => {
        for (const name of ["fixed", "gone"]) {
            assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("1Gi", "1Gi", name)] }), [
                `sms:redis.storage is 2Gi, but its volume has 1Gi: its StorageClass ${name} doesn't let volumes grow (allowVolumeExpansion) | ${setTo("1Gi")}`,
            ]);
        }
    });

    it("is left to Kubernetes if the classes can't be read", () => {
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("1Gi", "1Gi", "fixed")], classes: undefined }), []);
    });

    it("is refused if it would shrink, but growth that failed can be undone", () => {
        assert.deepEqual(verdict({ storage: "512Mi" }, { claims: [volume("1Gi")] }), [
            `sms:redis.storage is 512Mi, but its volume has 1Gi: a volume can't shrink | ${setTo("1Gi")}`,
        ]);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("9Ti", "1Gi")] }), []);
    });

    it("may change while it doesn't exist: it is created again without data", () => {
        const pending = { ...volume("1Gi"), status: { phase: "Pending" } };
        assert.deepEqual(verdict({ storage: "1024Mi" }, { claims: [pending] }), []);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [pending] }), [
            "sms:redis.storage is 2Gi, but its volume has 1Gi: it can't change before it exists (its claim is Pending) | kubectl --namespace sms delete statefulset/redis pvc/data-redis-0 && pulumi refresh --yes --stack test",
        ]);
    });

    it("is refused if it would change its class", () => {
        const claims = [volume("1Gi")];
        assert.deepEqual(verdict({ storage: "1Gi", storageClass: "standard" }, { claims }), []);
        assert.deepEqual(verdict({ storage: "1Gi", storageClass: "fixed" }, { claims }), [
            "sms:redis.storageClass is fixed, but its volume has standard: a volume stays in its class | pulumi config set --path 'sms:redis.storageClass' standard --stack test",
        ]);
    });
});

describe("the password of MongoDB in the cluster", () => {
    const password = "the-first-password";
    const claimWith = (annotations?: Record<string, string>, phase = "Bound"): VolumeClaim => ({
        metadata: { name: "data-mongo-0", annotations },
        spec: { resources: { requests: { storage: "1Gi" } } },
        status: { phase },
    });
    const marked = { [passwordMark]: markOf(password) };
    const verdict = (given: string, ...claims: VolumeClaim[]) => words(passwordObstacles("test", "sms", given, claims));

    it("may be any if there is no volume yet, or one without a mark: the next up marks it", () => {
        assert.deepEqual(verdict("another-password"), []);
        assert.deepEqual(verdict("another-password", claimWith(marked, "Pending")), []);
        assert.deepEqual(
            verdict("another-password", claimWith({ other: "x" }), { ...claimWith(marked), metadata: { name: "data-redis-0" } }),
            [],
        );
        assert.deepEqual(verdict("another-password", claimWith()), []);
    });

    it("is refused if the volume has another one, with both remedies", () => {
        assert.deepEqual(verdict(password, claimWith(marked)), []);
        assert.deepEqual(verdict("another-password", claimWith(marked)), [
            `sms:mongoPassword differs from the password of MongoDB's volume; set a new password in MongoDB first | restore the old password: pulumi config set --secret sms:mongoPassword --stack test, or, if MongoDB has the new password (docs/going-online.md, "Rotating passwords"): kubectl annotate --namespace sms pvc/data-mongo-0 sms/password-`,
        ]);
    });
});

describe("the port on every node", () => {
    const holding = (metadata: ObjectMeta, ...nodePorts: number[]): ClusterService => ({
        metadata,
        spec: { ports: nodePorts.map((nodePort) => ({ nodePort })) },
    });
    const verdict = (...services: ClusterService[]) =>
        words(nodePortObstacles(services, { stack: "test", owner, namespace: "shared", nodePort: 31090 }));

    it("may already be the stack's own", () => {
        assert.deepEqual(verdict(holding({ name: "sms-web", namespace: "shared" }, 31090)), []);
        assert.deepEqual(verdict(holding({ name: "sms-web", namespace: "before", ...own }, 31090)), []);
    });

    it("is refused if another Service has it, with the next free port", () => {
        const services = [
            holding({ name: "sms-web", namespace: "sms", ...marked("organization/sms/local", otherId) }, 31090, 31091),
            holding({ name: "other", namespace: "x" }, 31092),
        ];
        assert.deepEqual(verdict(...services), [
            "sms:web.nodePort is 31090, which Service sms-web in namespace sms has, of stack organization/sms/local | pulumi config set --path 'sms:web.nodePort' 31093 --stack test",
        ]);
    });

    it("is refused if a load balancer's health checks use it", () => {
        const balancer = { metadata: { name: "lb", namespace: "x" }, spec: { healthCheckNodePort: 31090 } };
        assert.match(verdict(balancer)[0] ?? "", /31090, which Service lb in namespace x has \|/);
    });

    it("continues at the lowest port if those above are taken", () => {
        const services = Array.from({ length: 32767 - 31090 + 1 }, (_, index) => holding({ name: "a", namespace: "x" }, 31090 + index));
        assert.match(verdict(...services)[0] ?? "", /'sms:web\.nodePort' 30000 /);
    });
});

describe("a deployed stack", () => {
    const settings = {
        namespace: "sms",
        existingNamespace: false,
        alibaba: { region: "cn-hangzhou", accountType: "Domestic" },
        cluster: { context: "there" },
    } as Settings;
    const cluster = "11111111-2222-4333-8444-555555555555";
    const last = {
        namespace: "sms",
        place: { cluster, isExistingNamespace: false, region: "cn-hangzhou", accountType: "Domestic" },
    };
    const moved = (change: object, lastUp: object = last) => words(movedSettings("test", { ...settings, ...change } as Settings, lastUp));

    it("stays in its cluster and namespace", () => {
        assert.deepEqual(moved({}), []);
        assert.deepEqual(moved({}, { namespace: "sms" }), [], "after an up by a version that didn't say more");
        assert.deepEqual(moved({}, {}), [], "before the first up");
    });

    it("can't move to another namespace", () => {
        assert.deepEqual(moved({ namespace: "elsewhere" }), [
            "sms:namespace is elsewhere, but stack test lives in sms: its objects and in-cluster stores are there | pulumi config set sms:namespace sms --stack test, or, for another product beside it: pulumi stack init NAME",
        ]);
    });

    it("can't move to another region or kind of account", () => {
        assert.deepEqual(moved({ alibaba: { region: "cn-beijing", accountType: "International" } }), [
            "sms:alibaba.region is cn-beijing, but stack test lives in cn-hangzhou: its resources in Alibaba Cloud are there | pulumi config set --path 'sms:alibaba.region' cn-hangzhou --stack test, or, for another product beside it: pulumi stack init NAME",
            "sms:alibaba.accountType is International, but stack test lives in Domestic: its resources in Alibaba Cloud are in such an account | pulumi config set --path 'sms:alibaba.accountType' Domestic --stack test, or, for another product beside it: pulumi stack init NAME",
        ]);
    });

    it("can't give up the namespace that it created, nor take one that it didn't create", () => {
        assert.deepEqual(moved({ existingNamespace: true }), [
            "sms:existingNamespace is true, but stack test created namespace sms itself: the namespace would be deleted with everything in it | pulumi config rm sms:existingNamespace --stack test",
        ]);
        assert.equal(moved({ existingNamespace: true }, { namespace: "sms" }).length, 1, "an older version made it");
        assert.deepEqual(moved({}, { ...last, place: { ...last.place, isExistingNamespace: true } }), [
            "sms:existingNamespace is false, but stack test lives in namespace sms, which it doesn't own | pulumi config set sms:existingNamespace true --stack test",
        ]);
    });

    it("can't move to another cluster by a context or an id", () => {
        const verdict = (change: object, id: string | undefined) =>
            words(movedCluster("test", { ...settings, ...change } as Settings, id, last));
        assert.deepEqual(verdict({}, cluster), []);
        assert.deepEqual(verdict({}, undefined), [], "a cluster that nobody could ask");
        assert.deepEqual(verdict({ cluster: { context: "renamed" } }, cluster), [], "the same cluster by another name");
        assert.deepEqual(verdict({}, otherId), [
            `sms:cluster.context there is cluster ${otherId}, but stack test lives in cluster ${cluster}: its objects and in-cluster stores are there | restore the setting, or, for another product beside it: pulumi stack init NAME, or, if that cluster is lost with everything in it: pulumi config set --path 'sms:cluster.replaces' ${cluster} --stack test (docs/moving.md)`,
        ]);
        assert.deepEqual(verdict({ cluster: { context: "there", replaces: cluster } }, otherId), []);
    });
});

describe("the list of obstacles", () => {
    it("is reported together", () => {
        const obstacles = [
            { message: "one", fix: "mend one" },
            { message: "two", fix: "mend two" },
        ];
        assert.equal(
            new PreflightError("test", obstacles).message,
            "2 obstacles in the way of stack test; nothing was changed:\n\n  one\n      mend one\n\n  two\n      mend two\n",
        );
    });
});

describe("a store that was created but not finished", () => {
    const urnOf = (type: string) => `urn:pulumi:test::sms::sms:store:Managed$${type}::store`;
    const found = (type: string, outputs: object) => halfMadeObstacles("test", { [urnOf(type)]: { type, outputs: { ...outputs } } });

    for (const [type, finished] of [
        ["alicloud:mongodb/instance:Instance", "dbInstanceClass"],
        ["alicloud:kvstore/instance:Instance", "instanceClass"],
    ] as const) {
        it(`is one without a class, with the command that reads it again (${type})`, () => {
            const [{ message, fix } = assert.fail("no obstacle")] = found(type, { id: "1", tags: {} });
            assert.match(message, /^store was made in the cloud and not finished/);
            assert.ok(fix.startsWith(`pulumi refresh --yes --target '${urnOf(type)}' --stack test, `), fix);
            assert.deepEqual(found(type, { id: "1", [finished]: "x" }), []);
        });
    }

    it("is not any other resource without such an output", () => {
        assert.deepEqual(found("alicloud:log/store:Store", { id: "1" }), []);
    });

    it("is searched for if one of both stores is Alibaba Cloud's, and not by a stack without a state", async () => {
        const asks = async (redis: string, mongo: string, isNew: boolean) => {
            const settings = { redis: { kind: redis }, mongo: { kind: mongo } } as Settings;
            const known = { [urnOf("x")]: { type: "x", outputs: {} } };
            const { result } = await deploy(() => resourcesOf(settings, { isNew }), "test", { resources: known });
            return Object.keys(result).length > 0;
        };
        assert.equal(await asks("managed", "cluster", false), true);
        assert.equal(await asks("cluster", "managed", false), true);
        assert.equal(await asks("cluster", "external", false), false);
        assert.equal(await asks("managed", "managed", true), false);
    });
});
