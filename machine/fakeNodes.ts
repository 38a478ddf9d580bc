import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { apply, fakeNodes, kubectl, nodeName, removeFakeNodes } from "./kubernetes";
import { kubeconfig, logs } from "./places";
import { built } from "./toolchain";

const node = (name: string) => {
    const room = { cpu: "1000", memory: "1Ti", "ephemeral-storage": "1Ti", pods: "1000" };
    return {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, labels: { type: "kwok", "kubernetes.io/hostname": name } },
        status: { allocatable: room, capacity: room },
    };
};

/**
 * Runs `work` while the cluster has nodes of kwok's, a thousand pods on each, where pods are said to run and don't: for measuring
 * what it makes of very many. All new pods go there; what `work` has created it must have removed when it ends.
 */
export async function withFakeNodes<T>(count: number, work: () => Promise<T>): Promise<T> {
    const log = openSync(join(logs, "kwok.log"), "a");
    const folder = await built("kwok");
    const args = [
        `--kubeconfig=${kubeconfig}`,
        `--config=${join(folder, "stages.yaml")}`,
        `--manage-nodes-with-label-selector=${fakeNodes}`,
        "--node-lease-duration-seconds=40",
        "--cidr=10.89.0.1/16",
        "--node-ip=10.89.255.1",
    ];
    const kwok = spawn(join(folder, "kwok"), args, { stdio: ["ignore", log, log] });
    try {
        await apply(...Array.from({ length: count }, (_, n) => node(`fake-${n}`)));
        await kubectl("wait", "nodes", `--selector=${fakeNodes}`, "--for=condition=Ready", "--timeout=60s");
        await kubectl("cordon", nodeName);
        return await work();
    } finally {
        await removeFakeNodes();
        kwok.kill();
    }
}
