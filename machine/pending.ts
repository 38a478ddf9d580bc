/** After a `pulumi` that was killed: its lock goes, and what it was just making is taken into the state. */

interface Resource {
    readonly urn: string;
    readonly type: string;
    readonly inputs?: { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
}

interface Exported {
    readonly deployment?: { readonly pending_operations?: readonly { readonly type: string; readonly resource: Resource }[] };
}

/** Runs `pulumi` with these arguments on the stack. */
type Run = (args: readonly string[]) => Promise<{ stdout: string }>;

/**
 * Kubernetes' objects are taken in by the names that they were to have; one that never came to be is found missing and made by the
 * next `up`. Of other things nobody knows an id. Gives those: they may be there, and their note is gone.
 */
export async function takeInPending(pulumi: Run): Promise<readonly string[]> {
    await pulumi(["cancel", "--yes"]);
    const { stdout } = await pulumi(["stack", "export"]);
    const { deployment } = JSON.parse(stdout) as Exported;
    const made = (deployment?.pending_operations ?? [])
        .filter(({ type }) => type === "creating")
        .map(({ resource }) => ({ urn: resource.urn, id: objectId(resource) }));
    if (made.length === 0) {
        return [];
    }
    const imports = made
        .flatMap(({ urn, id }) => (id === undefined ? [] : [urn, id]))
        .flatMap((word) => ["--import-pending-creates", word]);
    await pulumi(["refresh", ...imports, "--clear-pending-creates", "--yes", "--skip-preview", "--non-interactive"]);
    return made.filter(({ id }) => id === undefined).map(({ urn }) => urn);
}

/** As the Kubernetes provider has it. */
function objectId({ type, inputs }: Resource): string | undefined {
    const { name, namespace } = inputs?.metadata ?? {};
    if (!type.startsWith("kubernetes:") || name === undefined) {
        return undefined;
    }
    return namespace === undefined ? name : `${namespace}/${name}`;
}
