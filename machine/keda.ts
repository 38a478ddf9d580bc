import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { presentDocker } from "./containers";
import { imageOf, kubectl, loadOntoNode } from "./kubernetes";
import { step } from "./progress";
import { built } from "./toolchain";

const namespace = "keda";
const binaries = { "ghcr.io/kedacore/keda:main": "keda", "ghcr.io/kedacore/keda-metrics-apiserver:main": "keda-adapter" };

/** Writes its own installation, but for the webhooks; the images are on the node, and say nothing of a user. */
function writeKustomization(folder: string, config: string): void {
    const target = { kind: "Deployment" };
    const container = "/spec/template/spec/containers/0";
    writeFileSync(
        join(folder, "kustomization.yaml"),
        stringify({
            resources: [relative(folder, join(config, "minimal"))],
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

/** Runs `work` while the cluster has KEDA, in the namespace `keda`. ScaledObjects must be gone when it ends. */
export async function withKeda<T>(work: () => Promise<T>): Promise<T> {
    const output = await built("keda");
    const folder = mkdtempSync(join(tmpdir(), "sms-keda-"));
    writeKustomization(folder, join(output, "config"));
    try {
        await step("KEDA", () => install(output, folder));
        return await work();
    } finally {
        await kubectl("delete", "--ignore-not-found", "--kustomize", folder);
        rmSync(folder, { recursive: true });
    }
}

async function install(output: string, kustomization: string): Promise<void> {
    const docker = (await presentDocker()) as string;
    for (const [image, binary] of Object.entries(binaries)) {
        await imageOf(join(output, binary), image, docker);
    }
    await loadOntoNode(docker, Object.keys(binaries));
    await kubectl("apply", "--server-side", "--kustomize", kustomization);
    const serving = ["deployment/keda-operator", "deployment/keda-metrics-apiserver", "apiservice/v1beta1.external.metrics.k8s.io"];
    await kubectl("--namespace", namespace, "wait", "--for=condition=Available", ...serving, "--timeout=180s");
}
