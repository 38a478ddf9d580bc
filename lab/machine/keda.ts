import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { built } from "../../toolchain/goModules";
import { step } from "../../toolchain/progress";
import { copyToNode, kubectl, loadOntoNode, machineDocker } from "./kubernetes";

const namespace = "keda";
const binaries = { "ghcr.io/kedacore/keda:main": "keda", "ghcr.io/kedacore/keda-metrics-apiserver:main": "keda-adapter" };

/**
 * Patches KEDA's own installation, without its webhooks. The images are already on the node, so they are never pulled. They name no
 * user, so the pods get one here.
 */
function writeKustomization(folder: string): void {
    const target = { kind: "Deployment" };
    const container = "/spec/template/spec/containers/0";
    writeFileSync(
        join(folder, "kustomization.yaml"),
        stringify({
            resources: ["config/minimal"],
            patches: [
                {
                    target,
                    patch: JSON.stringify([
                        { op: "replace", path: `${container}/imagePullPolicy`, value: "Never" },
                        { op: "add", path: `${container}/securityContext/runAsUser`, value: 65532 },
                    ]),
                },
            ],
        }),
    );
}

/** Runs `work` while the cluster has KEDA, in the namespace `keda`. `work` must delete its ScaledObjects. */
export async function withKeda<T>(work: () => Promise<T>): Promise<T> {
    const output = await built("keda");
    const folder = mkdtempSync(join(tmpdir(), "sms-keda-"));
    cpSync(join(output, "config"), join(folder, "config"), { recursive: true });
    writeKustomization(folder);
    const kustomization = await copyToNode(folder);
    rmSync(folder, { recursive: true });
    try {
        await step("KEDA", () => install(output, kustomization));
        return await work();
    } finally {
        await kubectl("delete", "--ignore-not-found", "--kustomize", kustomization);
    }
}

async function install(output: string, kustomization: string): Promise<void> {
    const docker = await machineDocker();
    for (const [image, binary] of Object.entries(binaries)) {
        await docker.importBinary(join(output, binary), image);
    }
    await loadOntoNode(docker, Object.keys(binaries));
    await kubectl("apply", "--server-side", "--kustomize", kustomization);
    const serving = ["deployment/keda-operator", "deployment/keda-metrics-apiserver", "apiservice/v1beta1.external.metrics.k8s.io"];
    await kubectl("--namespace", namespace, "wait", "--for=condition=Available", ...serving, "--timeout=180s");
}
