/** The common arguments of all workloads in these tests. */
export const app = {
    namespace: "sms",
    image: "registry.example.com/sms:abc@sha256:123",
    platform: "linux/arm64",
    pullSecret: "pull-secret",
    env: { ENV: "online", LOG_LEVEL: "INFO" },
    secretEnv: "env-secret-1a2b3c4d",
    logs: { sizeLimit: "1Gi" },
};

/** The node selector of every pod with the image. */
export const nodeSelector = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64" };

export const resources = { requests: { cpu: "0.1", memory: "200Mi" }, limits: { cpu: "1", memory: "800Mi" } };

export const workload = {
    app,
    env: { LOG_LEVEL: "DEBUG" },
    resources,
    gracePeriodSeconds: 180,
    revisionHistoryLimit: 5,
    rolloutTimeoutSeconds: 300,
};

export const replicated = { ...workload, replicas: 6, minReadySeconds: 10, rollout: { maxSurge: "25%", maxUnavailable: 0 } };

export function labels(app: string) {
    return { app, "app.kubernetes.io/part-of": "sms" };
}

export function scraped(port: string) {
    return { "prometheus.io/scrape": "true", "prometheus.io/port": port, "prometheus.io/path": "/metrics" };
}

/** Spreads pods over zones and nodes, separately for each version. */
export function spread(app: string) {
    return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { app } },
        matchLabelKeys: ["pod-template-hash"],
    }));
}

export function disruptionBudget(app: string) {
    return {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: app, namespace: "sms" },
        spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow", selector: { matchLabels: { app } } },
    };
}

export function deploymentMetadata(name: string, replicas = "fixed") {
    return { name, namespace: "sms", annotations: { "sms/replicas": replicas } };
}

/** Scales down only after 300 s of lower load, then a quarter of the pods per minute. */
export const calmly = {
    scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: "Percent", value: 25, periodSeconds: 60 }] },
};

/** The volumes of all workloads. */
export const mounts = [
    { name: "log-dir", mountPath: "/var/log/sms" },
    { name: "tmp", mountPath: "/tmp" },
];
export const volumes = [
    { name: "log-dir", emptyDir: { sizeLimit: "1Gi" } },
    { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
];

/** The security contexts that podTemplate adds to all workloads. podTemplate.test.ts tests them. */
export const secured = {
    pod: {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        fsGroup: 10001,
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
    },
    container: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
};
