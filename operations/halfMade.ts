/**
 * Resources that the cloud created but refused to configure. The official alicloud provider then saves almost none of their properties
 * in the state. Without a refresh, the next `up` would replace a MongoDB, and would send a Redis settings that it already has.
 */

interface Exported {
    readonly deployment?: {
        readonly resources?: readonly { readonly urn: string; readonly type: string; readonly initErrors?: readonly string[] }[];
    };
}

/** Runs `pulumi` with these arguments on the stack. */
type Run = (args: readonly string[]) => Promise<{ stdout: string }>;

/** The URNs of these resources. */
export async function halfMadeIn(pulumi: Run): Promise<readonly string[]> {
    const { deployment } = JSON.parse((await pulumi(["stack", "export"])).stdout) as Exported;
    const isHalfMade = ({ type, initErrors = [] }: { type: string; initErrors?: readonly string[] }) =>
        type.startsWith("alicloud:") && initErrors.length > 0;
    return (deployment?.resources ?? []).filter(isHalfMade).map(({ urn }) => urn);
}

/** Refreshes only these resources. After that the state has all their properties in the cloud. */
export async function readAgain(pulumi: Run, say: (line: string) => void): Promise<void> {
    const urns = await halfMadeIn(pulumi);
    if (urns.length > 0) {
        say(`Created but not finished; refreshing from the cloud: ${urns.map((urn) => urn.split("::").at(-1)).join(", ")}`);
        await pulumi(["refresh", "--yes", "--skip-preview", "--non-interactive", ...urns.flatMap((urn) => ["--target", urn])]);
    }
}
