import assert from "node:assert/strict";
import type { Output } from "@pulumi/pulumi";
import * as pulumi from "@pulumi/pulumi";
import { programVariables } from "../../settings/schema";
import { type Deployed, deploy, digest, resolve, types } from "./deployed";
import { localSecrets, onlinePlaces, onlineSecrets, stackFile } from "./stackFile";

interface Outputs {
    image: Output<string>;
    namespace: Output<string>;
    nodePort: Output<number>;
}

/** The whole program, as the engine runs it, with a stack file's settings. */
function run(stack: string, texts: Record<string, string>, secrets: Record<string, string>) {
    return deploy(() => {
        const all = Object.entries({ ...texts, ...secrets }).map(([key, text]) => [`sms:${key}`, text]);
        pulumi.runtime.setAllConfig(
            Object.fromEntries(all),
            Object.keys(secrets).map((key) => `sms:${key}`),
        );
        delete require.cache[require.resolve("../../index")];
        return require("../../index") as Outputs;
    }, stack);
}

const local = () => run("local", stackFile("local"), localSecrets);
const online = () => run("online", { ...stackFile("online"), ...onlinePlaces }, onlineSecrets);

const everywhere = [
    "beat (sms:beat:Beat)",
    "beat-deployment (kubernetes:apps/v1:Deployment)",
    "cluster (pulumi:providers:kubernetes)",
    "env (sms:secretEnv:SecretEnv)",
    "env-secret (kubernetes:core/v1:Secret)",
    "image (sms:image:Image)",
    "image-image (docker:index/image:Image)",
    "namespace (kubernetes:core/v1:Namespace)",
    "pull-secret (sms:pullSecret:PullSecret)",
    "pull-secret-secret (kubernetes:core/v1:Secret)",
    "web (sms:web:Web)",
    "web-deployment (kubernetes:apps/v1:Deployment)",
    "web-service (kubernetes:core/v1:Service)",
    "worker (sms:worker:Worker)",
    "worker-deployment (kubernetes:apps/v1:Deployment)",
];

function kubernetes({ resources }: Deployed) {
    return resources.filter(({ type }) => type.startsWith("kubernetes:"));
}

describe("the program", () => {
    it("deploys online with stores elsewhere: exactly this", async () => {
        const { deployed } = await online();
        assert.deepEqual(deployed.listed(), everywhere);
    });

    it("deploys local with stores in the cluster: exactly this", async () => {
        const { deployed } = await local();
        const stores = ["mongo", "redis"].flatMap((store) => [
            `${store} (sms:${store}:Cluster)`,
            `${store}-secret (kubernetes:core/v1:Secret)`,
            `${store}-service (kubernetes:core/v1:Service)`,
            `${store}-statefulset (kubernetes:apps/v1:StatefulSet)`,
        ]);
        assert.deepEqual(deployed.listed(), [...everywhere, ...stores].sort());
    });

    it("puts everything into the named cluster, whatever the current context is", async () => {
        const { deployed } = await online();
        const provider = deployed.one("pulumi:providers:kubernetes");
        assert.deepEqual(provider.inputs, { context: "online-cluster", namespace: "sms", clusterIdentifier: "sms" });
        for (const resource of kubernetes(deployed)) {
            assert.equal(resource.provider, "cluster", resource.name);
        }
    });

    it("puts everything into its own namespace, and waits for that", async () => {
        const { deployed } = await local();
        assert.deepEqual(deployed.one(types.namespace).inputs.metadata, {
            name: "sms",
            labels: { "pod-security.kubernetes.io/enforce": "restricted" },
        });
        for (const { name, inputs, dependencies } of kubernetes(deployed).filter(({ type }) => type !== types.namespace)) {
            assert.equal(inputs.metadata.namespace, "sms", name);
            assert.ok(dependencies.includes("namespace"), name);
        }
    });

    it("hangs every resource under the component it belongs to", async () => {
        const { deployed } = await local();
        for (const { name, type, parent } of deployed.resources) {
            const component = /^(\w+|pull-secret)-(deployment|service|secret|statefulset|image)$/.exec(name)?.[1];
            const isComponent = type.startsWith("sms:");
            assert.equal(parent, isComponent ? undefined : component, name);
        }
    });

    it("gives all three workloads the same image, Secret and pull secret", async () => {
        const { deployed } = await online();
        for (const name of ["web-deployment", "worker-deployment", "beat-deployment"]) {
            const { spec } = deployed.one(types.deployment, name).inputs.spec.template;
            const [container] = spec.containers;
            assert.match(container.image, /^registry\.example\.com\/sms:[0-9a-f]{20}@sha256:[0-9a-f]{64}$/);
            assert.ok(container.image.endsWith(digest));
            assert.deepEqual(container.envFrom, [{ secretRef: { name: "env-secret-1a2b3c4d" } }]);
            assert.deepEqual(spec.imagePullSecrets, [{ name: "pull-secret" }]);
            assert.deepEqual(container.env[0], { name: "ENV", value: "online" });
        }
    });

    it("hands the stores' URLs to pods through the Secret alone", async () => {
        const { deployed } = await online();
        assert.deepEqual(deployed.one(types.secret, "env-secret").inputs.stringData, {
            ALIYUN_ACCESS_KEY_ID: "LTAI-1",
            ALIYUN_ACCESS_KEY_SECRET: "12345",
            REDIS_URL: onlineSecrets.redisUrl,
            MONGO_URL: onlineSecrets.mongoUrl,
        });
    });

    it("has no secret anywhere but where the state encrypts it", async () => {
        for (const [deploy, secrets] of [
            [local, localSecrets],
            [online, onlineSecrets],
        ] as const) {
            const { deployed } = await deploy();
            const words = Object.values(secrets).flatMap((secret) => [secret, encodeURIComponent(secret)]);
            for (const { name, inputs, secrets: encrypted } of deployed.resources) {
                const plain = JSON.stringify(Object.fromEntries(Object.entries(inputs).filter(([key]) => !encrypted.includes(key))));
                assert.deepEqual(
                    words.filter((word) => plain.includes(word)),
                    [],
                    name,
                );
            }
        }
    });

    it("keeps to settings every variable that it sets in its pods", async () => {
        const { deployed } = await online();
        const plain = ["web-deployment", "worker-deployment", "beat-deployment"].flatMap((name) => {
            const [container] = deployed.one(types.deployment, name).inputs.spec.template.spec.containers;
            return container.env.map((variable: { name: string }) => variable.name);
        });
        assert.deepEqual([...new Set([...plain, "REDIS_URL", "MONGO_URL"])].sort(), Object.keys(programVariables).sort());
    });

    it("says what it deployed and where it answers", async () => {
        const { result } = await online();
        assert.deepEqual(Object.keys(result).sort(), ["image", "namespace", "nodePort"]);
        assert.ok((await resolve(result.image)).value.endsWith(digest));
        assert.deepEqual(await resolve(result.namespace), { value: "sms", secret: false });
        assert.deepEqual(await resolve(result.nodePort), { value: 31090, secret: false });
    });

    it("registers nothing where the settings are wrong", async () => {
        const { deployed } = await deploy(() => {
            pulumi.runtime.setAllConfig({ "sms:environment": "prod" });
            delete require.cache[require.resolve("../../index")];
            assert.throws(() => require("../../index"), { name: "SettingsError", message: /sms:environment is "prod"/ });
        });
        assert.deepEqual(deployed.listed(), []);
    });
});
