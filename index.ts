import { Namespace } from "@pulumi/kubernetes/core/v1";
import { Provider } from "@pulumi/kubernetes/provider";
import { Beat } from "./components/beat";
import { Image } from "./components/image";
import { ClusterMongo, type Mongo } from "./components/mongo";
import { PullSecret } from "./components/pullSecret";
import { ClusterRedis, type Redis } from "./components/redis";
import { SecretEnv } from "./components/secretEnv";
import { Web } from "./components/web";
import { Worker } from "./components/worker";
import { readSettings } from "./settings";

const settings = readSettings();

// The identifier is fixed: a renamed context or a new kubeconfig must never replace everything.
const cluster = new Provider("cluster", { ...settings.cluster, namespace: settings.namespace, clusterIdentifier: "sms" });
const inCluster = { provider: cluster };

export const namespace = new Namespace(
    "namespace",
    // The API server itself refuses any pod that asks for more than the pods here do.
    { metadata: { name: settings.namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    inCluster,
).metadata.name;

export const image = new Image("image", { ...settings.image, context: "app", registry: settings.registry }).reference;
const pullSecret = new PullSecret("pull-secret", { namespace, registry: settings.registry }, inCluster).name;

const redis: Redis =
    settings.redis.kind === "cluster" ? new ClusterRedis("redis", { ...settings.redis, namespace, pullSecret }, inCluster) : settings.redis;
const mongo: Mongo =
    settings.mongo.kind === "cluster" ? new ClusterMongo("mongo", { ...settings.mongo, namespace, pullSecret }, inCluster) : settings.mongo;

const env = { ENV: settings.environment, ...settings.env };
const secretEnv = new SecretEnv("env", { namespace, redisUrl: redis.url, mongoUrl: mongo.url, more: settings.secretEnv }, inCluster).name;

const app = { namespace, image, pullSecret, env, secretEnv, logs: settings.logs };
/** The product answers on this port of every node. */
export const nodePort = new Web("web", { ...settings.web, app }, inCluster).nodePort;
new Worker("worker", { ...settings.worker, app }, inCluster);
new Beat("beat", { ...settings.beat, app }, inCluster);
