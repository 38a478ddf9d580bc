import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Creates a folder for temporary files. It is deleted when this process exits, because the Kubernetes provider leaves a cluster's
 * kubeconfig in it.
 */
export function temporaryFolder(name: string): string {
    const folder = mkdtempSync(join(tmpdir(), `sms-${name}-`));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return folder;
}
