import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for temporary files that ends with this process. The Kubernetes provider leaves a cluster's kubeconfig among them. */
export function temporaryFolder(name: string): string {
    const folder = mkdtempSync(join(tmpdir(), `sms-${name}-`));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return folder;
}
