import { get } from "node:https";
import { join } from "node:path";
import type { Daemon } from "./daemons";
import { apiAddress } from "./network";
import { kubeconfig, state } from "./places";
import { built } from "./toolchain";

const name = "metrics-server";
const port = 10443;

/** Tells of pods' processors and memory, as HorizontalPodAutoscalers ask: beside the cluster, like its other daemons. */
export async function metricsServer(): Promise<Daemon> {
    return {
        name,
        command: join(await built(name), name),
        args: [
            `--kubeconfig=${kubeconfig}`,
            `--authentication-kubeconfig=${kubeconfig}`,
            `--authorization-kubeconfig=${kubeconfig}`,
            `--bind-address=${apiAddress}`,
            `--secure-port=${port}`,
            `--cert-dir=${join(state, name)}`,
            "--kubelet-preferred-address-types=InternalIP",
            // No authority has signed the kubelet's certificate.
            "--kubelet-insecure-tls",
            // The shortest that it takes.
            "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
        ],
        isReady: isLive,
    };
}

/** Its certificate is its own, too. */
function isLive(): Promise<boolean> {
    return new Promise((resolve) => {
        get({ host: apiAddress, port, path: "/livez", rejectUnauthorized: false }, (response) => {
            response.resume();
            resolve(response.statusCode === 200);
        }).on("error", () => resolve(false));
    });
}

export const metricsApiName = "v1beta1.metrics.k8s.io";

/** What makes the API server pass on to metrics-server what is asked of it. */
export const metricsApi = [
    {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "kube-system" },
        spec: { ports: [{ port: 443, targetPort: port }] },
    },
    // The API server looks for Endpoints, not for EndpointSlices.
    {
        apiVersion: "v1",
        kind: "Endpoints",
        metadata: { name, namespace: "kube-system" },
        subsets: [{ addresses: [{ ip: apiAddress }], ports: [{ port }] }],
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
            service: { name, namespace: "kube-system" },
            insecureSkipTLSVerify: true,
        },
    },
];
