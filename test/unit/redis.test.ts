import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ClusterRedis } from "../../components/redis";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

describe("Redis in the cluster", () => {
    const resources = { requests: { cpu: "0.1", memory: "64Mi" }, limits: { cpu: "1", memory: "512Mi" } };
    const args = {
        namespace: "sms",
        image: "redis:7.0",
        pullSecret: "pull-secret",
        storage: "1Gi",
        storageClass: "fast",
        resources,
        protect: true,
        password: pulumi.secret("p@ss/wörd 1"),
    };
    const redis = () => new ClusterRedis("redis", args);

    it("is a pod with its data, a Service and a Secret", async () => {
        const { deployed } = await deploy(redis);
        assert.deepEqual(deployed.listed(), [
            "redis (sms:redis:Cluster)",
            "redis-claim (kubernetes:core/v1:PersistentVolumeClaim)",
            "redis-secret (kubernetes:core/v1:Secret)",
            "redis-service (kubernetes:core/v1:Service)",
            "redis-statefulset (kubernetes:apps/v1:StatefulSet)",
        ]);
        for (const type of [types.claim, types.secret, types.service, types.statefulSet]) {
            assert.equal(deployed.one(type).parent, "redis");
        }
    });

    it("has a URL that is a secret, with the password encoded", async () => {
        const { result } = await deploy(redis);
        assert.deepEqual(await resolve(result.url), { value: "redis://sms:p%40ss%2Fw%C3%B6rd%201@redis:6379/0", secret: true });
    });

    it("accepts only the product's account, which can't manage the server", async () => {
        const { deployed } = await deploy(redis);
        const { inputs, secrets } = deployed.one(types.secret);
        // printf 'p@ss/wörd 1' | sha256sum
        const hash = "5043aeba5a4691f12febdf99c8a287327633fb1796a3a2b3509d96127b7c7cb6";
        assert.deepEqual(inputs, {
            metadata: { namespace: "sms" },
            immutable: true,
            stringData: {
                password: "p@ss/wörd 1",
                "redis.conf": [
                    "port 6379",
                    "protected-mode yes",
                    "user default off",
                    `user sms on #${hash} ~* &* +@all -@admin -@dangerous +info`,
                    "dir /data",
                    "appendonly yes",
                    'save ""',
                    "maxmemory-policy noeviction",
                    "",
                ].join("\n"),
            },
            apiVersion: "v1",
            kind: "Secret",
        });
        assert.deepEqual(secrets, ["stringData"]);
    });

    it("keeps its data on a volume, in one pod", async () => {
        const { deployed } = await deploy(redis);
        const { metadata, spec } = deployed.one(types.statefulSet).inputs;
        assert.deepEqual(metadata, { name: "redis", namespace: "sms" });
        assert.deepEqual([spec.replicas, spec.serviceName, spec.selector], [1, "redis", { matchLabels: { app: "redis" } }]);
        assert.deepEqual(spec.volumeClaimTemplates, [
            {
                metadata: { name: "data" },
                spec: { accessModes: ["ReadWriteOnce"], storageClassName: "fast", resources: { requests: { storage: "1Gi" } } },
            },
        ]);
    });

    it("keeps its data on a claim that can grow, under the name that the StatefulSet expects", async () => {
        const { deployed } = await deploy(redis);
        const claim = deployed.one(types.claim);
        assert.deepEqual(claim.inputs.metadata, {
            name: "data-redis-0",
            namespace: "sms",
            annotations: { "pulumi.com/skipAwait": "true" },
        });
        assert.deepEqual(claim.inputs.spec, deployed.one(types.statefulSet).inputs.spec.volumeClaimTemplates[0].spec);
        // Kubernetes refuses changes of these fields.
        assert.deepEqual(claim.ignoreChanges, ["spec.storageClassName"]);
        const statefulSet = deployed.one(types.statefulSet);
        assert.deepEqual(statefulSet.ignoreChanges, ["spec.volumeClaimTemplates"]);
        assert.ok(statefulSet.dependencies.includes("redis-claim"), "otherwise the StatefulSet makes the claim");
    });

    for (const protect of [true, false]) {
        it(`is ${protect ? "protected" : "not protected"} from deletion and replacement, as set, and never deletes its claim`, async () => {
            const { deployed } = await deploy(() => new ClusterRedis("redis", { ...args, protect }));
            assert.deepEqual(
                [types.claim, types.statefulSet].map((type) => deployed.one(type).protect),
                [protect, protect],
            );
            assert.deepEqual(deployed.one(types.statefulSet).inputs.spec.persistentVolumeClaimRetentionPolicy, {
                whenDeleted: "Retain",
                whenScaled: "Retain",
            });
        });
    }

    it("uses the cluster's storage class unless one is set", async () => {
        const { deployed } = await deploy(() => new ClusterRedis("redis", { ...args, storageClass: undefined }));
        const [claim] = deployed.one(types.statefulSet).inputs.spec.volumeClaimTemplates;
        assert.ok(!("storageClassName" in claim.spec));
    });

    it("never has the password in an argument", async () => {
        const { deployed } = await deploy(redis);
        const { inputs, secrets } = deployed.one(types.statefulSet);
        const [container] = inputs.spec.template.spec.containers;
        assert.deepEqual(container.command, ["redis-server", "/etc/redis/redis.conf"]);
        assert.deepEqual(container.env, [
            { name: "REDISCLI_AUTH", valueFrom: { secretKeyRef: { name: "redis-secret-1a2b3c4d", key: "password" } } },
        ]);
        assert.deepEqual(container.readinessProbe.exec.command, ["sh", "-c", 'test "$(redis-cli --user sms ping)" = PONG']);
        assert.deepEqual(secrets, []);
        assert.doesNotMatch(JSON.stringify(inputs), /p@ss/);
    });

    it("has minimal rights, and writes only to its data and /tmp", async () => {
        const { deployed } = await deploy(redis);
        const { spec } = deployed.one(types.statefulSet).inputs.spec.template;
        const [container] = spec.containers;
        assert.deepEqual([spec.securityContext.runAsNonRoot, container.securityContext.readOnlyRootFilesystem], [true, true]);
        assert.deepEqual(spec.imagePullSecrets, [{ name: "pull-secret" }]);
        assert.deepEqual(container.resources, resources);
        assert.deepEqual(container.volumeMounts, [
            { name: "data", mountPath: "/data" },
            { name: "tmp", mountPath: "/tmp" },
            { name: "config", mountPath: "/etc/redis", readOnly: true },
        ]);
        assert.deepEqual(spec.volumes, [
            { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
            {
                name: "config",
                secret: {
                    secretName: "redis-secret-1a2b3c4d",
                    items: [{ key: "redis.conf", path: "redis.conf" }],
                    defaultMode: 0o440,
                },
            },
        ]);
    });

    it("has a Service that comes after its pod, so that resources that use the URL wait for both", async () => {
        const { deployed } = await deploy(redis);
        const { inputs, dependencies } = deployed.one(types.service);
        assert.deepEqual(inputs.metadata, { name: "redis", namespace: "sms", annotations: { "pulumi.com/skipAwait": "true" } });
        assert.deepEqual(inputs.spec, { selector: { app: "redis" }, ports: [{ port: 6379, targetPort: 6379 }] });
        assert.deepEqual(dependencies, ["redis-statefulset"]);
    });
});
