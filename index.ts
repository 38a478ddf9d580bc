import { Provider as AlibabaProvider } from "@pulumi/alicloud/provider";
import { Namespace } from "@pulumi/kubernetes/core/v1";
import { Provider } from "@pulumi/kubernetes/provider";
import { Beat } from "./components/beat";
import { accessTo, applyAgain, manyObjects, providerAccess } from "./components/cluster";
import { Image } from "./components/image";
import { LoadBalancer } from "./components/loadBalancer";
import { LogCollector, OtlpLogs, SlsLogs } from "./components/logs";
import { ManagedMongo } from "./components/managedMongo";
import { ManagedRedis } from "./components/managedRedis";
import { hostsOf } from "./components/managedStore";
import { ClusterMongo, type Mongo } from "./components/mongo";
import { Monitoring } from "./components/monitoring";
import { type Network, NewNetwork } from "./components/network";
import { NetworkPolicies } from "./components/networkPolicies";
import { ownedBy, takenBy, thisStack } from "./components/owner";
import { Preparation } from "./components/preparation";
import { PullSecret } from "./components/pullSecret";
import { QueueLengths } from "./components/queueLengths";
import { ClusterRedis, type Redis } from "./components/redis";
import { AcrRegistry, type Registry } from "./components/registry";
import { SecretEnv } from "./components/secretEnv";
import { ServiceAccount } from "./components/serviceAccount";
import { StoresCa } from "./components/storesCa";
import { Web } from "./components/web";
import { Worker } from "./components/worker";
import { lastUp, preflight, requireSamePlace } from "./preflight";
import { readSettings } from "./settings";

/** The program. It reads all facts that it needs before it registers a resource. After that the engine waits for outputs. */
export = async () => {
    const settings = readSettings();
    const { tags, instanceName } = settings;

    const last = await lastUp();
    requireSamePlace(settings, last);
    const onAlibaba = { provider: settings.alibaba && new AlibabaProvider("alibaba", settings.alibaba) };
    const owner = await thisStack();
    const access = await accessTo(settings.cluster, onAlibaba);
    const { place, hasNamespace } = await preflight(settings, access, owner, last);

    const network: Network =
        settings.network.kind === "new"
            ? new NewNetwork("network", { ...settings.network, vpcName: instanceName, tags }, onAlibaba)
            : settings.network;

    // The identifier is fixed, so that a renamed context or a new kubeconfig doesn't replace all resources.
    const cluster = new Provider(
        "cluster",
        {
            ...providerAccess(access),
            namespace: settings.namespace,
            clusterIdentifier: "sms",
            // The pull secret has a fixed name, so a new password must change it in place. A replacement would delete the Secret first. It
            // would also delete every Deployment, because their specs would be unknown at that time.
            enableSecretMutable: true,
            kubeClientSettings: manyObjects,
        },
        // If a destroy ends half-way, the stack must still recognize its own objects by the id in this record.
        { dependsOn: owner.record },
    );
    const inCluster = { provider: cluster, transformations: [applyAgain, ownedBy(owner)] };

    // The product's pods meet this Pod Security Standard. The API server refuses all pods that don't.
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    const open = settings.existingNamespace
        ? settings.namespace
        : new Namespace(
              "namespace",
              { metadata: { name: settings.namespace, labels } },
              { provider: cluster, ...takenBy(owner, { wasThere: hasNamespace }), protect: settings.protectNamespace },
          ).metadata.name;
    const appOf = (pool: string) => `sms-${pool}`;
    const workers = settings.workers.map(({ name }) => appOf(name));
    const { ship, sizeLimit } = settings.logs;
    const destination = ship && (ship.to.kind === "sls" ? new SlsLogs("logs", { ...ship.to, tags }, onAlibaba) : new OtlpLogs(ship.to));
    const namespace = settings.networkPolicies.enabled
        ? new NetworkPolicies(
              "network-policies",
              {
                  ...settings.networkPolicies,
                  namespace: open,
                  isShared: settings.existingNamespace,
                  redis: settings.redis,
                  mongo: settings.mongo,
                  network,
                  workers,
                  gateways: settings.networkPolicies.gateways.map((gateway) => ({ ...gateway, workers: gateway.workers.map(appOf) })),
                  hasRamRole: settings.serviceAccount?.ramRole !== undefined,
                  logsPort: destination?.port,
                  redisFrom: settings.keda?.namespace,
              },
              inCluster,
          ).namespace
        : open;

    const registry: Registry =
        settings.registry.kind === "acr" ? new AcrRegistry("registry", settings.registry, onAlibaba) : settings.registry;
    const { platform } = settings.image;
    const image =
        settings.image.kind === "given" ? settings.image.reference : new Image("image", { ...settings.image, registry }).reference;
    const { account } = registry;
    const pullSecret = account && new PullSecret("pull-secret", { namespace, registry, account }, inCluster).name;

    const storesCa =
        settings.storesCa === undefined ? undefined : new StoresCa("stores-ca", { namespace, pem: settings.storesCa }, inCluster);
    const onAlibabasNetwork = { network, instanceName, tags, caFile: storesCa?.file };
    const redis: Redis =
        settings.redis.kind === "cluster"
            ? new ClusterRedis("redis", { ...settings.redis, namespace, pullSecret }, inCluster)
            : settings.redis.kind === "managed"
              ? new ManagedRedis("redis", { ...settings.redis, ...onAlibabasNetwork }, onAlibaba)
              : settings.redis;
    const mongo: Mongo =
        settings.mongo.kind === "cluster"
            ? new ClusterMongo("mongo", { ...settings.mongo, namespace, pullSecret }, inCluster)
            : settings.mongo.kind === "managed"
              ? new ManagedMongo("mongo", { ...settings.mongo, ...onAlibabasNetwork }, onAlibaba)
              : settings.mongo;

    /**
     * A copy of a public image in the stack's own registry. No pod starts without this image, and its public registry may be unreachable
     * later.
     */
    const mirrored = (baseImage: string) =>
        settings.image.kind === "given"
            ? baseImage
            : new Image("log-collector-image", {
                  baseImage,
                  context: "components/logCollector",
                  tagPrefix: "log-collector-",
                  platform,
                  registry,
              }).reference;
    const collector =
        destination &&
        new LogCollector(
            "log-collector",
            { ...ship, image: mirrored(ship.image), namespace, destination, environment: settings.environment },
            inCluster,
        );

    const { clientTokens, secretEnv: more } = settings;
    const secretEnv = new SecretEnv("env", { namespace, redisUrl: redis.url, mongoUrl: mongo.url, clientTokens, more }, inCluster).name;

    const identity = settings.serviceAccount && new ServiceAccount("service-account", { ...settings.serviceAccount, namespace }, inCluster);
    const unprepared = {
        namespace,
        image,
        platform,
        pullSecret,
        identity,
        env: settings.env,
        secretEnv,
        storesCa: storesCa?.volume,
        liveReload: settings.liveReload,
        logs: { sizeLimit, collector },
    };
    const { rolloutTimeoutSeconds } = settings.web;
    const { placement } = settings;
    /**
     * Resources that use this app wait for the preparation: both stores answer from inside the cluster, and MongoDB is migrated to this
     * version.
     */
    const { app } = new Preparation("preparation", { ...settings.migration, rolloutTimeoutSeconds, placement, app: unprepared }, inCluster);
    const nodePort = new Web("web", { ...settings.web, app }, inCluster).nodePort;
    const url =
        settings.loadBalancer &&
        new LoadBalancer("load-balancer", { ...settings.loadBalancer, namespace, network, instanceName, tags }, inCluster).url;
    const queueLengths =
        settings.keda && new QueueLengths("queue-lengths", { namespace, redisUrl: redis.url, ca: settings.storesCa }, inCluster);
    for (const pool of settings.workers) {
        new Worker(pool.name, { ...pool, app, queueLengths }, inCluster);
    }
    new Beat("beat", { ...settings.beat, app }, inCluster);
    if (settings.monitoring.kind === "operator") {
        new Monitoring("monitoring", { ...settings.monitoring, namespace, namespaceName: settings.namespace, workers }, inCluster);
    }

    return {
        image,
        namespace,
        /** The product answers on this port of every node. */
        nodePort,
        /** The load balancer's URL, if there is one. */
        ...(url === undefined ? {} : { url }),
        /** The stores' hosts, without passwords. Managed stores also have their ids in Alibaba Cloud. */
        redis: { id: redis.id, hosts: hostsOf(redis.url) },
        mongo: { id: mongo.id, hosts: hostsOf(mongo.url) },
        ...(destination?.project === undefined ? {} : { logProject: destination.project }),
        /** A later `up` must find the stack in this place. */
        place,
    };
};
