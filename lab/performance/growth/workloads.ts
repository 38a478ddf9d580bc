import { Provider } from "@pulumi/kubernetes/provider";
import { manyObjects } from "../../../components/cluster";
import { Worker } from "../../../components/worker";

const app = {
    image: "registry.example.com/sms:1@sha256:123",
    platform: "linux/amd64",
    pullSecret: "pull-secret",
    env: { ENV: "online", LOG_LEVEL: "INFO" },
    secretEnv: "env",
    logs: { sizeLimit: "1Gi" },
};

/** Pools of workers, one pod each: a Deployment and a PodDisruptionBudget. */
export function workloads(count: number, namespace: string): void {
    const inCluster = { provider: new Provider("cluster", { kubeClientSettings: manyObjects }) };
    for (let index = 0; index < count; index++) {
        new Worker(
            `pool-${index}`,
            {
                app: { ...app, namespace },
                env: {},
                resources: { requests: { cpu: "0.1", memory: "200Mi" }, limits: { cpu: "1", memory: "800Mi" } },
                gracePeriodSeconds: 180,
                revisionHistoryLimit: 5,
                rolloutTimeoutSeconds: 600,
                replicas: 1,
                minReadySeconds: 0,
                rollout: { maxSurge: 1, maxUnavailable: 0 },
                concurrency: 8,
                queues: ["sms"],
            },
            inCluster,
        );
    }
}
