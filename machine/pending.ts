/** After a `pulumi` that was killed: its lock and its notes of what it was just making go. */

interface Exported {
    readonly deployment?: {
        readonly pending_operations?: readonly {
            readonly type: string;
            readonly resource: { readonly urn: string; readonly type: string };
        }[];
    };
}

/** Runs `pulumi` with these arguments on the stack. */
type Run = (args: readonly string[]) => Promise<{ stdout: string }>;

/**
 * Kubernetes' objects that were just being made need nothing more: the next `up` applies them by their names, there or not
 * (components/cluster.ts). Gives the other resources: they may be there, and nobody knows their ids.
 */
export async function clearPending(pulumi: Run): Promise<readonly string[]> {
    await pulumi(["cancel", "--yes"]);
    const { stdout } = await pulumi(["stack", "export"]);
    const { deployment } = JSON.parse(stdout) as Exported;
    const made = (deployment?.pending_operations ?? []).filter(({ type }) => type === "creating").map(({ resource }) => resource);
    if (made.length > 0) {
        await pulumi(["refresh", "--clear-pending-creates", "--yes", "--skip-preview", "--non-interactive"]);
    }
    return made.filter(({ type }) => !type.startsWith("kubernetes:")).map(({ urn }) => urn);
}
