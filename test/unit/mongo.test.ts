import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ClusterMongo } from "../../components/mongo";
import { deploy, resolve, types } from "../../lab/fixtures/deployed";

describe("MongoDB in the cluster", () => {
    const resources = { requests: { cpu: "0.1", memory: "128Mi" }, limits: { cpu: "1", memory: "1Gi" } };
    const mongo = () =>
        new ClusterMongo("mongo", {
            namespace: "sms",
            image: "mongo:7.0",
            pullSecret: "pull-secret",
            storage: "5Gi",
            resources,
            protect: true,
            password: pulumi.secret("p@ss/word 1?"),
        });

    it("is a pod with its data, a Service and a Secret", async () => {
        const { deployed } = await deploy(mongo);
        assert.deepEqual(deployed.listed(), [
            "mongo (sms:mongo:Cluster)",
            "mongo-claim (kubernetes:core/v1:PersistentVolumeClaim)",
            "mongo-secret (kubernetes:core/v1:Secret)",
            "mongo-service (kubernetes:core/v1:Service)",
            "mongo-statefulset (kubernetes:apps/v1:StatefulSet)",
        ]);
        for (const type of [types.claim, types.secret, types.service, types.statefulSet]) {
            assert.equal(deployed.one(type).parent, "mongo");
        }
    });

    it("has a URL that is a secret, with the password encoded", async () => {
        const { result } = await deploy(mongo);
        assert.deepEqual(await resolve(result.url), {
            value: "mongodb://sms:p%40ss%2Fword%201%3F@mongo:27017/sms?authSource=admin",
            secret: true,
        });
    });

    it("creates its first account from a Secret named by Pulumi", async () => {
        const { deployed } = await deploy(mongo);
        const { inputs, secrets } = deployed.one(types.secret);
        assert.deepEqual(inputs.metadata, { namespace: "sms" });
        assert.deepEqual(inputs.stringData, { MONGO_INITDB_ROOT_USERNAME: "sms", MONGO_INITDB_ROOT_PASSWORD: "p@ss/word 1?" });
        assert.deepEqual(secrets, ["stringData"]);
        const [container] = deployed.one(types.statefulSet).inputs.spec.template.spec.containers;
        assert.deepEqual(container.envFrom, [{ secretRef: { name: "mongo-secret-1a2b3c4d" } }]);
    });

    it("marks the volume's claim so that another password is detected, without showing the password", async () => {
        const { deployed } = await deploy(mongo);
        const { inputs, secrets } = deployed.one(types.claim);
        assert.deepEqual(inputs.metadata.annotations, { "pulumi.com/skipAwait": "true", "sms/password": "bba0" });
        assert.deepEqual(secrets, []);
    });

    it("has minimal rights, and writes only to its data and /tmp", async () => {
        const { deployed } = await deploy(mongo);
        const { spec } = deployed.one(types.statefulSet).inputs;
        const [container] = spec.template.spec.containers;
        assert.equal(container.image, "mongo:7.0");
        assert.equal(container.command, undefined);
        assert.deepEqual(container.resources, resources);
        assert.deepEqual(container.securityContext, {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
        });
        assert.deepEqual(container.volumeMounts, [
            { name: "data", mountPath: "/data/db" },
            { name: "tmp", mountPath: "/tmp" },
        ]);
        assert.deepEqual(spec.template.spec.volumes, [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }]);
        assert.deepEqual(spec.volumeClaimTemplates[0].spec.resources, { requests: { storage: "5Gi" } });
    });

    it("is ready when its port is open", async () => {
        const { deployed } = await deploy(mongo);
        const [container] = deployed.one(types.statefulSet).inputs.spec.template.spec.containers;
        for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
            assert.deepEqual(container[probe].tcpSocket, { port: 27017 });
        }
    });
});
