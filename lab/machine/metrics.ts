/** metrics-server. HorizontalPodAutoscalers read the pods' CPU and memory from it. kind does not install it. */
const name = "metrics-server";
const labels = { "k8s-app": name };
const namespace = "kube-system";

export const metricsServerImage = "registry.k8s.io/metrics-server/metrics-server:v0.8.0";
export const metricsApiName = "v1beta1.metrics.k8s.io";

const account = { kind: "ServiceAccount", name, namespace };
const rbac = "rbac.authorization.k8s.io";
const bound = (kind: "ClusterRole" | "Role", role: string) => ({
    apiVersion: `${rbac}/v1`,
    kind: `${kind}Binding`,
    metadata: { name: `${name}:${role.replace("system:", "")}`, ...(kind === "Role" ? { namespace } : {}) },
    roleRef: { apiGroup: rbac, kind, name: role },
    subjects: [account],
});

const objects = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } },
    {
        apiVersion: `${rbac}/v1`,
        kind: "ClusterRole",
        metadata: { name: `system:${name}` },
        rules: [
            { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
            { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
        ],
    },
    bound("ClusterRole", `system:${name}`),
    bound("ClusterRole", "system:auth-delegator"),
    bound("Role", "extension-apiserver-authentication-reader"),
    {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace, labels },
        spec: { selector: labels, ports: [{ port: 443, targetPort: "https" }] },
    },
    {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace, labels },
        spec: {
            selector: { matchLabels: labels },
            template: {
                metadata: { labels },
                spec: {
                    serviceAccountName: name,
                    priorityClassName: "system-cluster-critical",
                    containers: [
                        {
                            name,
                            image: metricsServerImage,
                            command: ["/metrics-server"],
                            imagePullPolicy: "IfNotPresent",
                            args: [
                                "--secure-port=10250",
                                "--cert-dir=/tmp",
                                "--kubelet-preferred-address-types=InternalIP",
                                // The cluster's CA has not signed the kubelet's certificate.
                                "--kubelet-insecure-tls",
                                // 10 s is the shortest interval that metrics-server accepts.
                                "--metric-resolution=10s",
                                "--kubelet-request-timeout=5s",
                            ],
                            ports: [{ name: "https", containerPort: 10250 }],
                            readinessProbe: { httpGet: { path: "/readyz", port: "https", scheme: "HTTPS" }, periodSeconds: 2 },
                            resources: { requests: { cpu: "10m", memory: "64Mi" } },
                            securityContext: {
                                allowPrivilegeEscalation: false,
                                readOnlyRootFilesystem: true,
                                runAsNonRoot: true,
                                runAsUser: 1000,
                                capabilities: { drop: ["ALL"] },
                                seccompProfile: { type: "RuntimeDefault" },
                            },
                            volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
                        },
                    ],
                    volumes: [{ name: "tmp", emptyDir: {} }],
                },
            },
        },
    },
    {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: metricsApiName },
        spec: {
            group: "metrics.k8s.io",
            version: "v1beta1",
            groupPriorityMinimum: 100,
            versionPriority: 100,
            service: { name, namespace },
            insecureSkipTLSVerify: true,
        },
    },
];

/** Installs metrics-server. */
export async function metricsServer(apply: (...items: object[]) => Promise<void>): Promise<void> {
    await apply(...objects);
}
