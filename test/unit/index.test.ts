import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { type Deployed, digest, resolve, types } from "../../lab/fixtures/deployed";
import { runProgram } from "../../lab/fixtures/program";
import { completed, localSecrets, onlineSecrets, stackFile, testSecrets } from "../../lab/fixtures/stackFile";
import { lostWithType } from "../../policies/lost";
import { programVariables } from "../../settings/variables";

const local = once(() => runProgram("local", stackFile("local"), localSecrets));
const online = once(() => runProgram("online", completed("online"), onlineSecrets));
const test = once(() => runProgram("test", completed("test"), testSecrets));

/** A stack in an existing cluster with existing stores, without resources of Alibaba Cloud. */
const elsewhere = {
    environment: "online",
    cluster: JSON.stringify({ context: "some-cluster" }),
    registry: JSON.stringify({ server: "registry.example.com", username: "sms-robot" }),
    redis: JSON.stringify({ kind: "external" }),
    mongo: JSON.stringify({ kind: "external" }),
    clients: JSON.stringify({ shop: {} }),
};
const elsewhereSecrets = {
    registryPassword: "registry-secret",
    redisUrl: "redis://sms:p%40ss@redis.example.com:6379/0",
    mongoUrl: "mongodb://sms:p%40ss@mongo.example.com:3717/sms?authSource=admin",
    clientTokens: JSON.stringify({ shop: "a".repeat(64) }),
};
const external = once(() => runProgram("external", elsewhere, elsewhereSecrets));

/** Runs `work` once. Tests can share the result, because they only read it. */
function once<T>(work: () => T): () => T {
    let result: { value: T } | undefined;
    return () => {
        result ??= { value: work() };
        return result.value;
    };
}

const everywhere = [
    "beat (sms:beat:Beat)",
    "beat-deployment (kubernetes:apps/v1:Deployment)",
    "cluster (pulumi:providers:kubernetes)",
    "env (sms:secretEnv:SecretEnv)",
    "env-secret (kubernetes:core/v1:Secret)",
    "image (sms:image:Image)",
    "image-image (docker:index/image:Image)",
    "namespace (kubernetes:core/v1:Namespace)",
    "owner (pulumi:index:Stash)",
    "network-policies (sms:networkPolicies:NetworkPolicies)",
    ...["default-deny", "processes-to-dns", "processes-to-mongo", "processes-to-redis"].map(networkPolicy),
    ...["web-from-anywhere", "metrics-from-prometheus", "workers-to-gateway"].map(networkPolicy),
    "preparation (sms:preparation:Preparation)",
    "preparation-job (kubernetes:batch/v1:Job)",
    "pull-secret (sms:pullSecret:PullSecret)",
    "pull-secret-secret (kubernetes:core/v1:Secret)",
    "web (sms:web:Web)",
    "web-deployment (kubernetes:apps/v1:Deployment)",
    "web-disruption-budget (kubernetes:policy/v1:PodDisruptionBudget)",
    "web-service (kubernetes:core/v1:Service)",
    "worker (sms:worker:Worker)",
    "worker-deployment (kubernetes:apps/v1:Deployment)",
    "worker-disruption-budget (kubernetes:policy/v1:PodDisruptionBudget)",
];

/** Types whose deletion loses no data: the next `up` creates them again, or the cloud refuses to delete them while they are in use. */
const losingNothing = [
    types.vpc,
    types.vSwitch,
    types.redisAccount,
    types.mongoAccount,
    // It is deleted only together with its logstore.
    types.logIndex,
    types.image,
    types.deployment,
    // Its claim remains.
    types.statefulSet,
    types.job,
    // Exception: a load balancer's Service loses its address.
    types.service,
    types.secret,
    types.configMap,
    types.networkPolicy,
    types.disruptionBudget,
    types.autoscaler,
    types.scaledObject,
    "kubernetes:keda.sh/v1alpha1:TriggerAuthentication",
    types.podMonitor,
    types.prometheusRule,
];

function networkPolicy(name: string) {
    return `network-policies-${name} (${types.networkPolicy})`;
}

const managedStores = [
    "alibaba (pulumi:providers:alicloud)",
    "mongo (sms:mongo:Managed)",
    `mongo-account (${types.mongoAccount})`,
    `mongo-instance (${types.mongoInstance})`,
    "redis (sms:redis:Managed)",
    `redis-account (${types.redisAccount})`,
    `redis-instance (${types.redisInstance})`,
];

function kubernetes({ resources }: Deployed) {
    return resources.filter(({ type }) => type.startsWith("kubernetes:"));
}

describe("the program", () => {
    it("deploys online with Alibaba Cloud's stores, registry and logs: exactly this", async () => {
        const { deployed } = await online();
        const registry = [
            "registry (sms:registry:Acr)",
            `registry-namespace (${types.registryNamespace})`,
            `registry-repository (${types.registryRepository})`,
        ];
        const logs = [
            "log-collector (sms:logs:Collector)",
            "log-collector-config (kubernetes:core/v1:ConfigMap)",
            "log-collector-image (sms:image:Image)",
            "log-collector-image-image (docker:index/image:Image)",
            "log-collector-secret (kubernetes:core/v1:Secret)",
            "logs (sms:logs:Sls)",
            `logs-index (${types.logIndex})`,
            `logs-project (${types.logProject})`,
            `logs-store (${types.logStore})`,
            networkPolicy("collectors-to-logs"),
        ];
        const authority = ["stores-ca (sms:storesCa:StoresCa)", "stores-ca-config (kubernetes:core/v1:ConfigMap)"];
        assert.deepEqual(deployed.listed(), [...everywhere, ...managedStores, ...registry, ...logs, ...authority].sort());
    });

    it("deploys test with its own small stores: exactly this", async () => {
        const { deployed } = await test();
        assert.deepEqual(deployed.listed(), [...everywhere, ...managedStores].sort());
    });

    it("deploys with external stores: exactly this", async () => {
        const { deployed } = await external();
        assert.deepEqual(deployed.listed(), [...everywhere].sort());
    });

    it("deploys local with stores in the cluster: exactly this", async () => {
        const { deployed } = await local();
        const stores = ["mongo", "redis"].flatMap((store) => [
            `${store} (sms:${store}:Cluster)`,
            `${store}-claim (${types.claim})`,
            `${store}-secret (kubernetes:core/v1:Secret)`,
            `${store}-service (kubernetes:core/v1:Service)`,
            `${store}-statefulset (kubernetes:apps/v1:StatefulSet)`,
            networkPolicy(`${store}-from-processes`),
        ]);
        assert.deepEqual(deployed.listed(), [...everywhere, ...stores].sort());
    });

    it("runs further pools of workers beside the first one, each with its own queues", async () => {
        const pools = { worker: { queues: ["sms"] }, workerPools: { upkeep: { queues: ["sms-maintenance"], replicas: 1 } } };
        const texts = Object.fromEntries(Object.entries(pools).map(([key, value]) => [key, JSON.stringify(value)]));
        const { deployed } = await runProgram("external", { ...elsewhere, ...texts }, elsewhereSecrets);
        const upkeep = [
            "worker-upkeep (sms:worker:Worker)",
            "worker-upkeep-deployment (kubernetes:apps/v1:Deployment)",
            "worker-upkeep-disruption-budget (kubernetes:policy/v1:PodDisruptionBudget)",
        ];
        assert.deepEqual(deployed.listed(), [...everywhere, ...upkeep].sort());
        const taken = ["worker", "worker-upkeep"].map((pool) => {
            const { replicas, template } = deployed.one(types.deployment, `${pool}-deployment`).inputs.spec;
            return [replicas, template.spec.containers[0].env.find(({ name }: { name: string }) => name === "WORKER_QUEUES").value];
        });
        assert.deepEqual(taken, [
            [6, "sms"],
            [1, "sms-maintenance"],
        ]);
    });

    it("creates its own network if set, with the stores in it", async () => {
        const vSwitches = ["h", "i"].map((zone, i) => ({ zone: `cn-hangzhou-${zone}`, cidr: `10.1.${i}.0/24` }));
        const network = JSON.stringify({ kind: "new", cidr: "10.1.0.0/16", vSwitches });
        const { deployed } = await runProgram("test", { ...completed("test"), network }, testSecrets);
        const made = [
            "network (sms:network:New)",
            `network-cn-hangzhou-h (${types.vSwitch})`,
            `network-cn-hangzhou-i (${types.vSwitch})`,
            `network-vpc (${types.vpc})`,
        ];
        assert.deepEqual(deployed.listed(), [...everywhere, ...managedStores, ...made].sort());
        for (const type of [types.redisInstance, types.mongoInstance]) {
            assert.equal(deployed.one(type).inputs.vswitchId, "network-cn-hangzhou-h-id");
        }
        assert.equal(deployed.one(types.mongoInstance).inputs.vpcId, "network-vpc-id");
        assert.equal(deployed.one(types.vpc).provider, "alibaba");
        assert.equal(deployed.one(types.vpc).inputs.vpcName, "sms-test");
    });

    it("ships logs to any OTLP endpoint, without resources of Alibaba Cloud", async () => {
        const logs = JSON.stringify({ ship: { to: { kind: "otlp", endpoint: "https://otlp.example.com:4318" } } });
        const { deployed } = await runProgram("external", { ...elsewhere, logs }, elsewhereSecrets);
        const collector = [
            "log-collector (sms:logs:Collector)",
            "log-collector-config (kubernetes:core/v1:ConfigMap)",
            "log-collector-image (sms:image:Image)",
            "log-collector-image-image (docker:index/image:Image)",
            networkPolicy("collectors-to-logs"),
        ];
        assert.deepEqual(deployed.listed(), [...everywhere, ...collector].sort());
    });

    it("creates all objects in the named cluster, not in the current context", async () => {
        const { deployed } = await external();
        const provider = deployed.one("pulumi:providers:kubernetes");
        assert.deepEqual(provider.inputs, {
            context: "some-cluster",
            namespace: "sms",
            clusterIdentifier: "sms",
            enableSecretMutable: "true",
            kubeClientSettings: '{"qps":500,"burst":1000}',
        });
        for (const resource of kubernetes(deployed)) {
            assert.equal(resource.provider, "cluster", resource.name);
        }
    });

    it("connects to Alibaba Cloud's cluster by its id, with a kubeconfig that is a secret and causes no replacement", async () => {
        const { deployed } = await online();
        const { inputs, secrets } = deployed.one("pulumi:providers:kubernetes");
        assert.deepEqual(inputs, {
            kubeconfig: "kubeconfig of c0123456789abcdef",
            namespace: "sms",
            clusterIdentifier: "sms",
            enableSecretMutable: "true",
            kubeClientSettings: '{"qps":500,"burst":1000}',
        });
        assert.deepEqual(secrets, ["kubeconfig"]);
        for (const resource of kubernetes(deployed)) {
            assert.equal(resource.provider, "cluster", resource.name);
        }
    });

    it("creates all resources of Alibaba Cloud in the named region, without its own keys", async () => {
        const { deployed } = await online();
        assert.deepEqual(deployed.one("pulumi:providers:alicloud").inputs, { region: "cn-hangzhou", accountType: "Domestic" });
        const resources = deployed.resources.filter(({ type }) => type.startsWith("alicloud:"));
        assert.equal(resources.length, 9);
        for (const resource of resources) {
            assert.equal(resource.provider, "alibaba", resource.name);
        }
    });

    it("has MongoDB's nodes online in three zones, with a vSwitch in each", async () => {
        const { deployed } = await online();
        const { zoneId, secondaryZoneId, hiddenZoneId, replicationFactor } = deployed.one(types.mongoInstance).inputs;
        assert.deepEqual([zoneId, secondaryZoneId, hiddenZoneId], ["cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j"]);
        assert.equal(replicationFactor, 3);
        const { vSwitches } = JSON.parse(stackFile("online").network ?? "{}") as { vSwitches: { zone: string }[] };
        assert.deepEqual(
            vSwitches.map(({ zone }) => zone),
            [zoneId, secondaryZoneId, hiddenZoneId],
        );
    });

    it("states in online's file which backups of MongoDB remain after its deletion", () => {
        const { backupsAfterDeletion } = JSON.parse(stackFile("online").mongo ?? "{}") as { backupsAfterDeletion?: string };
        assert.equal(backupsAfterDeletion, "last");
    });

    it("protects all resources with data in online, and none in test", async () => {
        const protectedIn = async (deploy: typeof online) => {
            const { deployed } = await deploy();
            return deployed.resources.filter(({ protect }) => protect).map(({ name }) => name);
        };
        assert.deepEqual((await protectedIn(online)).sort(), [
            "logs-project",
            "logs-store",
            "mongo-account",
            "mongo-instance",
            "namespace",
            "redis-instance",
            "registry-namespace",
            "registry-repository",
        ]);
        assert.deepEqual(await protectedIn(test), []);
        const storesInside = await runProgram("prod", { ...stackFile("local"), environment: "online" }, localSecrets);
        assert.deepEqual((await protectedIn(async () => storesInside)).sort(), [
            "mongo-claim",
            "mongo-statefulset",
            "namespace",
            "redis-claim",
            "redis-statefulset",
        ]);
        assert.deepEqual(await protectedIn(local), []);
    });

    it("creates no type without a known effect of its deletion", async () => {
        const network = JSON.stringify({
            kind: "new",
            cidr: "10.1.0.0/16",
            vSwitches: ["h", "i", "j"].map((zone, i) => ({ zone: `cn-hangzhou-${zone}`, cidr: `10.1.${i}.0/24` })),
        });
        const monitoring = JSON.stringify({ kind: "operator" });
        const web = JSON.stringify({ autoscale: { maxReplicas: 12 } });
        const worker = JSON.stringify({ autoscale: { kind: "queue", maxReplicas: 20, tasksPerPod: 100 } });
        const everything = [
            await runProgram("online", { ...completed("online"), network, monitoring, web, worker, keda: "{}" }, onlineSecrets),
            await local(),
        ];
        const made = new Set(everything.flatMap(({ deployed }) => deployed.resources.map(({ type }) => type)));
        const unknown = [...made].filter((type) => !/^(sms|pulumi):/.test(type) && !Object.hasOwn(lostWithType, type));
        assert.deepEqual(unknown.sort(), losingNothing.sort());
    });

    it("tags its resources in Alibaba Cloud", async () => {
        const { deployed } = await online();
        for (const type of [types.redisInstance, types.mongoInstance, types.logProject]) {
            assert.deepEqual(deployed.one(type).inputs.tags, { product: "sms", environment: "online" }, type);
        }
        assert.equal(deployed.one(types.redisInstance).inputs.dbInstanceName, "sms-online");
        assert.equal(deployed.one(types.mongoInstance).inputs.name, "sms-online");
    });

    it("pushes to the public host and pulls from the VPC's host, with the same content", async () => {
        const { deployed, result } = await online();
        const { inputs, dependencies } = deployed.one(types.image, "image-image");
        const [, repositoryAndTag = ""] =
            /^my-registry-registry\.cn-hangzhou\.cr\.aliyuncs\.com(\/sms\/sms:[0-9a-f]{20})$/.exec(inputs.imageName) ?? [];
        assert.equal(
            (await resolve(result.image)).value,
            `my-registry-registry-vpc.cn-hangzhou.cr.aliyuncs.com${repositoryAndTag}@${digest}`,
        );
        assert.deepEqual(dependencies, ["registry-repository"]);
    });

    it("runs the log collector from the stack's own registry, by digest, with a descriptive tag", async () => {
        const { deployed } = await online();
        const { imageName, build, registry } = deployed.one(types.image, "log-collector-image-image").inputs;
        assert.deepEqual(build, {
            context: "components/logCollector",
            platform: "linux/amd64",
            args: { BASE_IMAGE: "otel/opentelemetry-collector-contrib:0.128.0" },
        });
        assert.equal(registry.server, "my-registry-registry.cn-hangzhou.cr.aliyuncs.com");
        const [, tag] =
            /^my-registry-registry\.cn-hangzhou\.cr\.aliyuncs\.com(\/sms\/sms:log-collector-[0-9a-f]{20})$/.exec(imageName) ?? [];
        const images = deployed.resources
            .filter(({ type }) => type === types.deployment)
            .map(
                ({ inputs }) =>
                    inputs.spec.template.spec.initContainers.find((one: { name: string }) => one.name === "log-collector").image,
            );
        const pulled = `my-registry-registry-vpc.cn-hangzhou.cr.aliyuncs.com${tag}@${digest}`;
        assert.deepEqual(images, [pulled, pulled, pulled]);
    });

    it("creates all objects in its own namespace, and waits for it", async () => {
        const { deployed } = await local();
        const { name, labels } = deployed.one(types.namespace).inputs.metadata;
        assert.deepEqual({ name, labels }, { name: "sms", labels: { "pod-security.kubernetes.io/enforce": "restricted" } });
        for (const { name, type, inputs, dependencies } of kubernetes(deployed).filter(({ type }) => type !== types.namespace)) {
            assert.equal(inputs.metadata.namespace, "sms", name);
            assert.ok(dependencies.includes(type === types.networkPolicy ? "namespace" : "network-policies-default-deny"), name);
        }
    });

    it("applies every object with one field manager, overrides others' changes, and keeps existing annotations", async () => {
        const { deployed } = await local();
        for (const { name, inputs } of kubernetes(deployed).filter(({ type }) => type !== types.namespace)) {
            assert.equal(inputs.metadata.annotations["pulumi.com/patchFieldManager"], "sms", name);
            assert.equal(inputs.metadata.annotations["pulumi.com/patchForce"], "true", name);
        }
        assert.equal(deployed.one(types.deployment, "web-deployment").inputs.metadata.annotations["sms/replicas"], "fixed");
    });

    it("creates the Prometheus operator's objects if there is an operator, for every pool of workers", async () => {
        const monitoring = JSON.stringify({ kind: "operator", labels: { release: "prometheus" } });
        const workerPools = JSON.stringify({ slow: { queues: ["sms-maintenance"] } });
        const { deployed } = await runProgram("external", { ...elsewhere, monitoring, workerPools }, elsewhereSecrets);
        const made = [
            "monitoring (sms:monitoring:Monitoring)",
            "monitoring-alerts (kubernetes:monitoring.coreos.com/v1:PrometheusRule)",
            "monitoring-dashboard (kubernetes:core/v1:ConfigMap)",
            "monitoring-pods (kubernetes:monitoring.coreos.com/v1:PodMonitor)",
        ];
        const listed = deployed.listed();
        assert.deepEqual(
            listed.filter((name) => name.startsWith("monitoring")),
            made,
        );
        const { selector } = deployed.one(types.podMonitor).inputs.spec;
        assert.deepEqual(selector.matchExpressions[0].values, ["sms-web", "sms-worker", "sms-worker-slow"]);
        const opened = (name: string) => deployed.one(types.networkPolicy, `network-policies-${name}`).inputs.spec.podSelector;
        const pools = ["sms-worker", "sms-worker-slow"];
        assert.deepEqual(opened("metrics-from-prometheus").matchExpressions[0].values, ["sms-web", ...pools]);
        assert.deepEqual(opened("workers-to-gateway").matchExpressions[0].values, pools);
    });

    it("creates no NetworkPolicies if they are turned off", async () => {
        const { deployed } = await runProgram(
            "external",
            { ...elsewhere, networkPolicies: JSON.stringify({ enabled: false }) },
            elsewhereSecrets,
        );
        assert.deepEqual(
            deployed.listed(),
            everywhere.filter((listed) => !listed.startsWith("network-policies")),
        );
        assert.ok(deployed.one(types.deployment, "web-deployment").dependencies.includes("namespace"));
    });

    it("lets workers reach the port of their gateway", async () => {
        const worker = JSON.stringify({ env: { ALIYUN_SMS_ENDPOINT: "http://gateway.example.com:8080" } });
        const { deployed } = await runProgram("external", { ...elsewhere, worker }, elsewhereSecrets);
        const { spec } = deployed.one(types.networkPolicy, "network-policies-workers-to-gateway").inputs;
        assert.deepEqual(spec.egress[0].ports, [{ protocol: "TCP", port: 8080 }]);
    });

    it("lets a pool reach its own gateway's port, and each worker those of a proxy and a secret gateway", async () => {
        const secrets = { ...elsewhereSecrets, secretEnv: JSON.stringify({ ALIYUN_SMS_ENDPOINT: "https://gateway.example.com:8443" }) };
        const plain = {
            env: JSON.stringify({ HTTPS_PROXY: "http://proxy.example.com:3128" }),
            workerPools: JSON.stringify({ own: { env: { HTTPS_PROXY: "http://other.example.com:8888" } }, same: {} }),
        };
        const { deployed } = await runProgram("external", { ...elsewhere, ...plain }, secrets);
        const opened = (name: string) => {
            const { podSelector, egress } = deployed.one(types.networkPolicy, `network-policies-${name}`).inputs.spec;
            return [podSelector.matchExpressions[0].values, egress[0].ports.map(({ port }: { port: number }) => port)];
        };
        assert.deepEqual(opened("workers-to-gateway"), [
            ["sms-worker", "sms-worker-same"],
            [8443, 3128],
        ]);
        assert.deepEqual(opened("worker-own-to-gateway"), [["sms-worker-own"], [8443, 8888]]);
    });

    it("registers every resource under its component", async () => {
        for (const deploy of [local, online]) {
            const { resources } = (await deploy()).deployed;
            const components = resources.filter(({ type }) => type.startsWith("sms:")).map(({ name }) => name);
            for (const { name, parent } of resources) {
                const component = components.find((component) => name.startsWith(`${component}-`) && !components.includes(name));
                assert.equal(parent, component, name);
            }
        }
    });

    it("gives all three workloads the same image, Secret and pull secret", async () => {
        const { deployed } = await online();
        for (const name of ["web-deployment", "worker-deployment", "beat-deployment"]) {
            const { spec } = deployed.one(types.deployment, name).inputs.spec.template;
            const [container] = spec.containers;
            assert.match(
                container.image,
                /^my-registry-registry-vpc\.cn-hangzhou\.cr\.aliyuncs\.com\/sms\/sms:[0-9a-f]{20}@sha256:[0-9a-f]{64}$/,
            );
            assert.ok(container.image.endsWith(digest));
            assert.deepEqual(container.envFrom, [{ secretRef: { name: "env-secret-1a2b3c4d" } }]);
            assert.deepEqual(spec.imagePullSecrets, [{ name: "pull-secret" }]);
            assert.deepEqual(container.env[0], { name: "ENV", value: "online" });
        }
    });

    it("lets KEDA read the queues if a pool scales by them", async () => {
        const worker = JSON.stringify({ autoscale: { kind: "queue", maxReplicas: 20, tasksPerPod: 100 } });
        const { deployed } = await runProgram("local", { ...stackFile("local"), keda: "{}", worker }, localSecrets);
        assert.equal(deployed.one(types.scaledObject).name, "worker-autoscaler");
        assert.deepEqual(deployed.one(types.secret, "queue-lengths-secret").inputs.stringData.address, "redis.sms.svc:6379");
        const { ingress } = deployed.one("kubernetes:networking.k8s.io/v1:NetworkPolicy", "network-policies-redis-from-keda").inputs.spec;
        assert.deepEqual(ingress[0].from, [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "keda" } } }]);
    });

    it("waits for the stores and the migration before it changes web, workers and beat", async () => {
        const workers = { workerPools: JSON.stringify({ bulk: {} }) };
        const { deployed } = await runProgram("external", { ...elsewhere, ...workers }, elsewhereSecrets);
        const deployments = deployed.resources.filter(({ type }) => type === types.deployment);
        assert.equal(deployments.length, 4);
        for (const { name, dependencies } of deployments) {
            assert.ok(dependencies.includes("preparation-job"), name);
        }
    });

    it("gives every process, and the Job that checks the stores first, the certificates that the URLs name", async () => {
        const { deployed } = await online();
        const pods = deployed.resources.filter(({ type }) => type === types.deployment || type === types.job);
        assert.equal(pods.length, 4);
        for (const { inputs, name } of pods) {
            const { volumes, containers } = inputs.spec.template.spec;
            const [container] = containers;
            assert.deepEqual(
                [volumes, container.volumeMounts].map((all: { name: string }[]) => all.find((one) => one.name === "stores-ca")),
                [
                    { name: "stores-ca", configMap: { name: "stores-ca-config-1a2b3c4d" } },
                    { name: "stores-ca", mountPath: "/etc/sms/stores-ca", readOnly: true },
                ],
                name,
            );
        }
    });

    it("has an output with the address of a load balancer, if there is one; the node port remains", async () => {
        const loadBalancer = JSON.stringify({ scheme: "internet", certificateId: "12345678-cn-hangzhou" });
        const { deployed, result } = await runProgram("online", { ...completed("online"), loadBalancer }, onlineSecrets);
        assert.deepEqual(
            deployed.resources
                .filter(({ type }) => type === types.service)
                .map(({ name }) => name)
                .sort(),
            ["load-balancer-service", "web-service"],
        );
        assert.equal((await resolve(result.url ?? assert.fail("no url"))).value, "https://nlb-1.example.com");
        assert.equal(deployed.one(types.service, "load-balancer-service").protect, true);
    });

    it("passes the stores' URLs and the hashes of tokens to pods only in the Secret", async () => {
        const { deployed } = await online();
        const caFile = "%2Fetc%2Fsms%2Fstores-ca%2Fca.pem";
        assert.deepEqual(deployed.one(types.secret, "env-secret").inputs.stringData, {
            ALIYUN_ACCESS_KEY_ID: "LTAI-1",
            ALIYUN_ACCESS_KEY_SECRET: "12345",
            REDIS_URL: `rediss://sms:Redis-p%40ssw0rd@r-1.redis.example:6379/0?ssl_cert_reqs=required&ssl_ca_certs=${caFile}`,
            MONGO_URL: `mongodb://root:Mongo-p%40ssw0rd@dds-1.mongo.example:3717,dds-2.mongo.example:3717/sms?replicaSet=mgset-1&authSource=admin&tls=true&tlsCAFile=${caFile}`,
            CLIENT_TOKENS: JSON.stringify({ shop: ["a".repeat(64)] }),
        });
    });

    it("has secrets only in encrypted parts of the state", async () => {
        for (const [deploy, secrets] of [
            [local, localSecrets],
            [online, onlineSecrets],
            [test, testSecrets],
            [external, elsewhereSecrets],
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

    it("allows no setting for a variable that it sets in its pods", async () => {
        const { deployed } = await online();
        const pods = deployed.resources.filter(({ type }) => type === types.deployment || type === types.job);
        const plain = pods.flatMap(({ inputs }) => {
            const [container] = inputs.spec.template.spec.containers;
            return container.env.map((variable: { name: string }) => variable.name);
        });
        assert.deepEqual(
            [...new Set([...plain, "REDIS_URL", "MONGO_URL", "CLIENT_TOKENS", "OPEN_TO_ANYBODY"])].sort(),
            Object.keys(programVariables).sort(),
        );
    });

    it("has outputs with its image and its address", async () => {
        const { result } = await online();
        assert.deepEqual(Object.keys(result).sort(), ["image", "logProject", "mongo", "namespace", "nodePort", "place", "redis"]);
        assert.ok((await resolve(result.image)).value.endsWith(digest));
        assert.deepEqual(await resolve(result.namespace), { value: "sms", secret: false });
        assert.deepEqual(await resolve(result.nodePort), { value: 31090, secret: false });
    });

    it("has outputs with the addresses of the stores and the logs, without passwords", async () => {
        const { result } = await online();
        assert.deepEqual(await resolve(pulumi.output(result.redis)), {
            value: { id: "redis-instance-id", hosts: "r-1.redis.example:6379" },
            secret: false,
        });
        assert.deepEqual(await resolve(pulumi.output(result.mongo)), {
            value: { id: "mongo-instance-id", hosts: "dds-1.mongo.example:3717,dds-2.mongo.example:3717" },
            secret: false,
        });
        assert.deepEqual(await resolve(result.logProject as pulumi.Output<string>), { value: "my-company-sms", secret: false });
        const { result: outside } = await external();
        assert.deepEqual(await resolve(pulumi.output(outside.mongo)), {
            value: { id: undefined, hosts: "mongo.example.com:3717" },
            secret: false,
        });
    });

    it("registers nothing if the settings are invalid", async () => {
        await assert.rejects(() => runProgram("local", { environment: "Prod" }, {}), {
            name: "SettingsError",
            message: /sms:environment is "Prod"/,
        });
    });
});
