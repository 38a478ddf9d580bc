import { readFileSync } from "node:fs";
import { type Properties, plain } from "../../machine/provider/values";
import type { Cloud } from "./cloud";

export const credentialToken = "alicloud:cs/getClusterCredential:getClusterCredential";

/** The kubeconfig of an existing cluster. */
export function clusterCredential(cloud: Cloud, args: Properties, isPreview: boolean): Properties {
    const { clusterId, temporaryDurationMinutes, ...others } = plain(args) as Properties;
    const unknown = Object.keys(others).filter((name) => name !== "outputFile");
    if (unknown.length > 0 || typeof clusterId !== "string") {
        throw new Error(`${credentialToken} takes clusterId, temporaryDurationMinutes and outputFile, got ${Object.keys(args).join(", ")}`);
    }
    const file = cloud.given.clusters?.[clusterId];
    if (file === undefined && !isPreview) {
        throw new Error(
            `[ERROR] Datasource alicloud_cs_cluster_credential DescribeClusterUserKubeconfig Failed!!! SDKError: Code: ErrorClusterNotFound Message: The cluster ${clusterId} does not exist.`,
        );
    }
    const minutes = Number(temporaryDurationMinutes ?? 4320);
    return {
        id: clusterId,
        clusterId,
        clusterName: clusterId,
        expiration: new Date(Date.now() + minutes * 60_000).toISOString(),
        kubeConfig: file === undefined ? unreachable(clusterId) : readFileSync(file, "utf8"),
        certificateAuthority: { clusterCert: "", clientCert: "", clientKey: "" },
        ...(temporaryDurationMinutes !== undefined && { temporaryDurationMinutes }),
    };
}

/** A kubeconfig for previews without a cluster. Nothing answers at its address. */
function unreachable(name: string): string {
    return JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": name,
        contexts: [{ name, context: { cluster: name, user: name } }],
        clusters: [{ name, cluster: { server: "https://127.0.0.1:1" } }],
        users: [{ name, user: {} }],
    });
}
