import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Cluster } from "./cluster";
import { accessBy, type Place } from "./kubeconfig";

const paths = [
    // From the API server's memory: cheap for it, and new enough.
    "/api/v1/nodes?resourceVersion=0",
    "/api/v1/pods?resourceVersion=0&fieldSelector=status.phase!=Succeeded,status.phase!=Failed",
    // Left there by Kubernetes' own cluster autoscaler, ACK's included.
    "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status",
    "/apis/monitoring.coreos.com/v1",
];

/** Asks the cluster for its nodes and pods, and waits for no longer than that; throws where it doesn't answer, with the reason. */
export function readCluster(place: Place, timeoutMs: number): Cluster {
    const end = performance.now() + timeoutMs;
    const access = accessBy(place, timeoutMs);
    // Keys go by standard input: an argument could be read in the process list.
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(__dirname, "get.cjs")], {
        input: JSON.stringify({ ...access, paths }),
        encoding: "utf8",
        timeout: Math.ceil(Math.max(1, end - performance.now())),
        maxBuffer: 2 ** 30,
    });
    if (status !== 0) {
        throw new Error(stderr || `no answer within ${timeoutMs / 1000} s`);
    }
    const [nodes, pods, autoscaler, operator] = JSON.parse(stdout) as { status: number; body: string }[];
    return {
        nodes: itemsOf("nodes", nodes),
        pods: itemsOf("pods", pods),
        growsByItself: autoscaler?.status === 200,
        lacksOperator: operator?.status === 404,
    };
}

function itemsOf<T>(what: string, { status, body } = { status: 0, body: "" }): T[] {
    if (status !== 200) {
        throw new Error(`its API server answers ${status} when asked for ${what}`);
    }
    return (JSON.parse(body) as { items: T[] }).items;
}
