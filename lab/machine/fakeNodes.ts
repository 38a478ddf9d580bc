import { join } from "node:path";
import { built } from "../../toolchain/goModules";
import { kubeconfig, nodeName } from "../../toolchain/places";
import { ensureRunning, stop } from "./daemons";
import { apply, fakeNodes, kubectl, removeFakeNodes } from "./kubernetes";

const [label, value] = fakeNodes.split("=") as [string, string];

const node = (name: string) => {
    const room = { cpu: "1000", memory: "1Ti", "ephemeral-storage": "1Ti", pods: "1000" };
    return {
        apiVersion: "v1",
        kind: "Node",
        metadata: {
            name,
            labels: { [label]: value, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
        },
        status: { allocatable: room, capacity: room },
    };
};

/** Creates an empty namespace for a measurement. It is removed together with the fake nodes. */
export async function emptyFakeNamespace(name: string): Promise<void> {
    await kubectl("delete", "namespace", name, "--ignore-not-found");
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { [label]: value } } });
}

/**
 * Runs `work` while the cluster has fake nodes by kwok. Each takes a thousand pods, which report that they run but don't. This measures the
 * cluster with very many pods. All new pods go to these nodes. `work` must create its objects in namespaces of `emptyFakeNamespace`.
 */
export async function withFakeNodes<T>(count: number, work: () => Promise<T>): Promise<T> {
    const folder = await built("kwok");
    // A kwok from an earlier run may have an outdated configuration.
    await stop("kwok");
    await ensureRunning({
        name: "kwok",
        command: join(folder, "kwok"),
        args: [
            `--kubeconfig=${kubeconfig}`,
            `--config=${join(folder, "stages.yaml")}`,
            `--manage-nodes-with-label-selector=${fakeNodes}`,
            "--node-lease-duration-seconds=40",
            "--cidr=10.89.0.1/16",
            "--node-ip=10.89.255.1",
        ],
        isReady: async () => true,
    });
    try {
        await apply(...Array.from({ length: count }, (_, n) => node(`fake-${n}`)));
        await kubectl("wait", "nodes", `--selector=${fakeNodes}`, "--for=condition=Ready", "--timeout=60s");
        await kubectl("cordon", nodeName);
        return await work();
    } finally {
        await removeFakeNodes();
    }
}
