import assert from "node:assert/strict";
import { marks, type Owner } from "../../components/owner";
import { movedCluster, movedSettings } from "../../preflight/moved";
import { nodePortObstacles } from "../../preflight/nodePorts";
import { type Claim, namespaceObstacles, objectObstacles } from "../../preflight/owner";
import { PreflightError } from "../../preflight/problems";
import type { ClusterService, ObjectMeta } from "../../preflight/readCluster";
import { type VolumeClaim, type Volumes, volumeObstacles } from "../../preflight/volumes";
import type { Settings } from "../../settings";
import { ownerId } from "./deployed";

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

    it("is made where there is none", () => {
        assert.deepEqual(verdict(undefined), []);
    });

    it("that is on its way out takes nothing new, whosever it is", () => {
        assert.deepEqual(verdict(namespace({ ...own, deletionTimestamp: "2026-01-01T00:00:00Z" })), [
            "namespace shared is being deleted | kubectl wait --for=delete namespace/shared",
        ]);
    });

    it("is taken over by the stack whose mark it has: an up that was killed has made it", () => {
        assert.deepEqual(verdict(namespace(own)), []);
    });

    it("is taken over by the stack that somebody has named its owner", () => {
        assert.deepEqual(verdict(namespace(marked(owner.name))), []);
    });

    it("is refused where another stack's mark is on it, with that stack's name", () => {
        assert.deepEqual(verdict(namespace(marked("organization/sms/local", otherId))), [
            `namespace shared belongs to stack organization/sms/local | ${setNamespace}`,
        ]);
    });

    it("is refused where a stack of the same name has it, as two people's own backends have", () => {
        assert.deepEqual(verdict(namespace(marked(owner.name, otherId))), [
            `namespace shared belongs to another stack with this one's name, organization/sms/test: of another backend, or of a state that is lost | ${setNamespace}, or, if that state is lost: kubectl annotate --overwrite namespace shared sms/stack=organization/sms/test sms/stack-id-`,
        ]);
    });

    it("is refused with a name that would do, whatever the stack is called", () => {
        const taken = { ...marked(owner.name, otherId) };
        const suggested = (stack: string, name: string) =>
            /sms:namespace (\S+) /.exec(verdict(namespace(taken), { stack, namespace: name })[0] ?? "")?.[1];
        assert.equal(suggested("test", "sms-test"), "sms-test-2");
        assert.equal(suggested("Online_cn.2", "sms"), "sms-online-cn-2");
        assert.equal(suggested("a".repeat(80), "sms")?.length, 60);
    });

    it("is refused where nobody's mark is on it", () => {
        assert.deepEqual(verdict(namespace(applied("kubectl-create"))), [
            `namespace shared is there already, and stack test didn't make it | ${setNamespace}, or, to go into it and leave it as it is: pulumi config set sms:existingNamespace true --stack test, or, if it is this stack's all the same: kubectl annotate --overwrite namespace shared sms/stack=organization/sms/test sms/stack-id-`,
        ]);
    });

    it("is the stack's own where an older version made it, and the stack's last up was there", () => {
        assert.deepEqual(verdict(namespace(applied("sms")), { lastNamespace: "shared" }), []);
    });

    it("is refused where an older version made it, and the stack was never there", () => {
        assert.equal(verdict(namespace(applied("sms"))).length, 1);
        assert.equal(verdict(namespace(applied("sms")), { lastNamespace: "sms" }).length, 1);
    });

    it("is refused where it has been made anew by somebody since the stack's last up", () => {
        assert.equal(verdict(namespace(applied("kubectl-create")), { lastNamespace: "shared" }).length, 1);
    });

    it("that two stacks of an older version share is the first's that marks it; the other learns how not to delete it", () => {
        assert.deepEqual(verdict(namespace(marked("organization/sms/local", otherId)), { lastNamespace: "shared" }), [
            `namespace shared belongs to stack organization/sms/local | don't destroy stack test: that would delete what is organization/sms/local's. Make it forget what it has: pulumi stack rm --force --preserve-config test; then pulumi stack init test && ${setNamespace}`,
        ]);
    });

    it("that is said to be there may be anybody's, but has to be there and no other stack's", () => {
        assert.deepEqual(verdict(namespace(applied("kubectl-create")), { isExisting: true }), []);
        assert.deepEqual(verdict(undefined, { isExisting: true }), [
            "there is no namespace shared, though sms:existingNamespace says that there is | kubectl create namespace shared, or pulumi config rm sms:existingNamespace --stack test",
        ]);
        assert.equal(verdict(namespace(marked("organization/sms/local", otherId)), { isExisting: true }).length, 1);
    });
});

describe("an object in the namespace", () => {
    const planned = [{ kind: "Service", name: "redis" }];
    const service = (more: Partial<ObjectMeta>) => ({ kind: "Service", name: "redis", namespace: "shared", ...more });
    const verdict = (found: ReturnType<typeof service>, more: Partial<Claim> = {}) =>
        words(objectObstacles([found], planned, { ...claim, ...more }));

    it("is applied again where the stack made it", () => {
        assert.deepEqual(verdict(service(own)), []);
        assert.deepEqual(verdict(service(own), { isExisting: true }), []);
    });

    it("is refused where another stack made it", () => {
        assert.deepEqual(verdict(service(marked("organization/sms/local", otherId)), { isExisting: true }), [
            "Service redis in namespace shared belongs to stack organization/sms/local | choose another namespace, or, if it is this stack's all the same: kubectl annotate --overwrite service redis --namespace shared sms/stack=organization/sms/test sms/stack-id-",
        ]);
    });

    it("is refused where somebody made it", () => {
        assert.match(
            verdict(service(applied("helm")))[0] ?? "",
            /^Service redis in namespace shared is there already, and stack test didn't/,
        );
    });

    it("of an older version is the stack's in its own namespace, and in nobody else's", () => {
        assert.deepEqual(verdict(service(applied("sms"))), []);
        assert.equal(verdict(service(applied("sms")), { isExisting: true }).length, 1);
    });

    it("that is a claim is the stack's in its own namespace where a StatefulSet of an older version made it", () => {
        const planned = [{ kind: "PersistentVolumeClaim", name: "data-redis-0" }];
        const found = { ...service(applied("kube-controller-manager")), ...planned[0] } as ReturnType<typeof service>;
        assert.deepEqual(objectObstacles([found], planned, claim), []);
        assert.equal(objectObstacles([found], planned, { ...claim, isExisting: true }).length, 1);
        assert.equal(verdict(service(applied("kube-controller-manager"))).length, 1);
    });

    it("is nobody's business where the stack makes none of that kind and name", () => {
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

    it("grows where its class lets it, and may stay as it is in any", () => {
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("1Gi")] }), []);
        assert.deepEqual(verdict({ storage: "1024Mi" }, { claims: [volume("1Gi", "20Gi", "fixed")] }), []);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [] }), []);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [{ ...volume("9Gi"), metadata: { name: "data-mongo-0" } }] }), []);
    });

    it("is refused where it would grow in a class that doesn't let it, or that is gone", () => {
        for (const name of ["fixed", "gone"]) {
            assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("1Gi", "1Gi", name)] }), [
                `sms:redis.storage is 2Gi, but its volume has 1Gi: its StorageClass ${name} doesn't let volumes grow (allowVolumeExpansion) | ${setTo("1Gi")}`,
            ]);
        }
    });

    it("is left to Kubernetes where the classes can't be read", () => {
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("1Gi", "1Gi", "fixed")], classes: undefined }), []);
    });

    it("is refused where it would shrink, but growth that failed can be taken back", () => {
        assert.deepEqual(verdict({ storage: "512Mi" }, { claims: [volume("1Gi")] }), [
            `sms:redis.storage is 512Mi, but its volume has 1Gi: a volume can't shrink | ${setTo("1Gi")}`,
        ]);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [volume("9Ti", "1Gi")] }), []);
    });

    it("can't change while it isn't there: it is made anew, as nothing is in it", () => {
        const pending = { ...volume("1Gi"), status: { phase: "Pending" } };
        assert.deepEqual(verdict({ storage: "1024Mi" }, { claims: [pending] }), []);
        assert.deepEqual(verdict({ storage: "2Gi" }, { claims: [pending] }), [
            "sms:redis.storage is 2Gi, but its volume has 1Gi: it can't change while it isn't there yet (its claim is Pending) | kubectl --namespace sms delete statefulset/redis pvc/data-redis-0 && pulumi refresh --yes --stack test",
        ]);
    });

    it("is refused where it would change its class", () => {
        const claims = [volume("1Gi")];
        assert.deepEqual(verdict({ storage: "1Gi", storageClass: "standard" }, { claims }), []);
        assert.deepEqual(verdict({ storage: "1Gi", storageClass: "fixed" }, { claims }), [
            "sms:redis.storageClass is fixed, but its volume has standard: a volume stays in its class | pulumi config set --path 'sms:redis.storageClass' standard --stack test",
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

    it("may be the stack's own already", () => {
        assert.deepEqual(verdict(holding({ name: "sms-web", namespace: "shared" }, 31090)), []);
        assert.deepEqual(verdict(holding({ name: "sms-web", namespace: "before", ...own }, 31090)), []);
    });

    it("is refused where another Service has it, with the next one that is free", () => {
        const services = [
            holding({ name: "sms-web", namespace: "sms", ...marked("organization/sms/local", otherId) }, 31090, 31091),
            holding({ name: "other", namespace: "x" }, 31092),
        ];
        assert.deepEqual(verdict(...services), [
            "sms:web.nodePort is 31090, which Service sms-web in namespace sms has, of stack organization/sms/local | pulumi config set --path 'sms:web.nodePort' 31093 --stack test",
        ]);
    });

    it("is refused where a load balancer's health checks have it", () => {
        const balancer = { metadata: { name: "lb", namespace: "x" }, spec: { healthCheckNodePort: 31090 } };
        assert.match(verdict(balancer)[0] ?? "", /31090, which Service lb in namespace x has \|/);
    });

    it("begins again at the lowest where those above are taken", () => {
        const services = Array.from({ length: 32767 - 31090 + 1 }, (_, index) => holding({ name: "a", namespace: "x" }, 31090 + index));
        assert.match(verdict(...services)[0] ?? "", /'sms:web\.nodePort' 30000 /);
    });
});

describe("a living stack", () => {
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

    it("stays where it is", () => {
        assert.deepEqual(moved({}), []);
        assert.deepEqual(moved({}, { namespace: "sms" }), [], "after an up by a version that didn't say more");
        assert.deepEqual(moved({}, {}), [], "before the first up");
    });

    it("doesn't follow another namespace", () => {
        assert.deepEqual(moved({ namespace: "elsewhere" }), [
            "sms:namespace is elsewhere, but stack test lives in sms: its objects and in-cluster stores are there | pulumi config set sms:namespace sms --stack test, or, for another product beside it: pulumi stack init NAME",
        ]);
    });

    it("doesn't follow another region or kind of account", () => {
        assert.deepEqual(moved({ alibaba: { region: "cn-beijing", accountType: "International" } }), [
            "sms:alibaba.region is cn-beijing, but stack test lives in cn-hangzhou: what it has in Alibaba Cloud is there | pulumi config set --path 'sms:alibaba.region' cn-hangzhou --stack test, or, for another product beside it: pulumi stack init NAME",
            "sms:alibaba.accountType is International, but stack test lives in Domestic: what it has in Alibaba Cloud is in such an account | pulumi config set --path 'sms:alibaba.accountType' Domestic --stack test, or, for another product beside it: pulumi stack init NAME",
        ]);
    });

    it("doesn't give up the namespace that it made, nor take one that it didn't make", () => {
        assert.deepEqual(moved({ existingNamespace: true }), [
            "sms:existingNamespace is true, but stack test made namespace sms itself: it would be deleted with all that is in it | pulumi config rm sms:existingNamespace --stack test",
        ]);
        assert.equal(moved({ existingNamespace: true }, { namespace: "sms" }).length, 1, "an older version made it");
        assert.deepEqual(moved({}, { ...last, place: { ...last.place, isExistingNamespace: true } }), [
            "sms:existingNamespace is false, but stack test lives in namespace sms, which isn't its own | pulumi config set sms:existingNamespace true --stack test",
        ]);
    });

    it("doesn't follow a context, or an id, to another cluster", () => {
        const verdict = (change: object, id: string | undefined) =>
            words(movedCluster("test", { ...settings, ...change } as Settings, id, last));
        assert.deepEqual(verdict({}, cluster), []);
        assert.deepEqual(verdict({}, undefined), [], "a cluster that nobody could ask");
        assert.deepEqual(verdict({ cluster: { context: "renamed" } }, cluster), [], "the same cluster by another name");
        assert.deepEqual(verdict({}, otherId), [
            `sms:cluster.context there is cluster ${otherId}, but stack test lives in cluster ${cluster}: its objects and in-cluster stores are there | put the setting back, or, for another product beside it: pulumi stack init NAME, or, if that cluster is gone with all that was in it: pulumi config set --path 'sms:cluster.replaces' ${cluster} --stack test (docs/moving.md)`,
        ]);
        assert.deepEqual(verdict({ cluster: { context: "there", replaces: cluster } }, otherId), []);
    });
});

describe("what is in the way", () => {
    it("is told all at once", () => {
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
