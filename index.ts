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
import { ClusterMongo, type Mongo } from "./components/mongo";
import { Monitoring } from "./components/monitoring";
import { type Network, NewNetwork } from "./components/network";
import { NetworkPolicies } from "./components/networkPolicies";
import { ownedBy, thisStack } from "./components/owner";
import { Preparation } from "./components/preparation";
import { PullSecret } from "./components/pullSecret";
import { QueueLengths } from "./components/queueLengths";
import { ClusterRedis, type Redis } from "./components/redis";
import { AcrRegistry, type Registry } from "./components/registry";
import { SecretEnv } from "./components/secretEnv";
import { StoresCa } from "./components/storesCa";
import { Web } from "./components/web";
import { Worker } from "./components/worker";
import { lastUp, preflight, requireSamePlace } from "./preflight";
import { readSettings } from "./settings";

/** The program. It waits for what it has to know before anything is registered; from then on the engine does. */
export = async () => {
    const settings = readSettings();
    const { tags, instanceName } = settings;

    const last = await lastUp();
    requireSamePlace(settings, last);
    const onAlibaba = { provider: settings.alibaba && new AlibabaProvider("alibaba", settings.alibaba) };
    const owner = await thisStack();
    const access = await accessTo(settings.cluster, onAlibaba);
    const place = await preflight(settings, access, owner, last);

    const network: Network =
        settings.network.kind === "new"
            ? new NewNetwork("network", { ...settings.network, vpcName: instanceName, tags }, onAlibaba)
            : settings.network;

    // The identifier is fixed: a renamed context or a new kubeconfig must never replace everything.
    const cluster = new Provider(
        "cluster",
        {
            ...providerAccess(access),
            namespace: settings.namespace,
            clusterIdentifier: "sms",
            // The pull secret has a fixed name: a new password must change it in place. Replaced, it would first be deleted, and
            // with it all whose spec is unknown meanwhile: every Deployment.
            enableSecretMutable: true,
            kubeClientSettings: manyObjects,
        },
        // A destroy that ends half-way must leave the stack knowing what is its own.
        { dependsOn: owner.record },
    );
    const inCluster = { provider: cluster, transformations: [applyAgain, ownedBy(owner)] };

    // The API server itself refuses any pod that asks for more than the pods here do.
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    const open = settings.existingNamespace
        ? settings.namespace
        : new Namespace(
              "namespace",
              { metadata: { name: settings.namespace, labels } },
              { ...inCluster, protect: settings.protectNamespace },
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
                  logsPort: destination?.port,
                  redisFrom: settings.keda?.namespace,
              },
              inCluster,
          ).namespace
        : open;

    const registry: Registry =
        settings.registry.kind === "acr" ? new AcrRegistry("registry", settings.registry, onAlibaba) : settings.registry;
    const image = new Image("image", { ...settings.image, context: "app", registry }).reference;
    const pullSecret = new PullSecret("pull-secret", { namespace, registry }, inCluster).name;

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

    const collector =
        destination && new LogCollector("log-collector", { ...ship, namespace, destination, environment: settings.environment }, inCluster);

    const secretEnv = new SecretEnv("env", { namespace, redisUrl: redis.url, mongoUrl: mongo.url, more: settings.secretEnv }, inCluster)
        .name;

    const unprepared = {
        namespace,
        image,
        platform: settings.image.platform,
        pullSecret,
        env: settings.env,
        secretEnv,
        storesCa: storesCa?.volume,
        logs: { sizeLimit, collector },
    };
    const { rolloutTimeoutSeconds } = settings.web;
    /** Whatever takes this one waits until both stores were found to work from inside the cluster, and to be what this version expects. */
    const { app } = new Preparation("preparation", { ...settings.migration, rolloutTimeoutSeconds, app: unprepared }, inCluster);
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
        /** And here, where a load balancer is in front. */
        ...(url === undefined ? {} : { url }),
        /** Where a later `up` must find the stack. */
        place,
    };
};
