/**
 * What was made in the cloud while a call that sets it up was refused. The official alicloud provider then leaves next to nothing
 * of it in the state: the next `up` would replace a MongoDB, and send a Redis all that it has already.
 */

interface Exported {
    readonly deployment?: {
        readonly resources?: readonly { readonly urn: string; readonly type: string; readonly initErrors?: readonly string[] }[];
    };
}

/** Runs `pulumi` with these arguments on the stack. */
type Run = (args: readonly string[]) => Promise<{ stdout: string }>;

/** The URNs of such resources. */
export async function halfMadeIn(pulumi: Run): Promise<readonly string[]> {
    const { deployment } = JSON.parse((await pulumi(["stack", "export"])).stdout) as Exported;
    const isHalfMade = ({ type, initErrors = [] }: { type: string; initErrors?: readonly string[] }) =>
        type.startsWith("alicloud:") && initErrors.length > 0;
    return (deployment?.resources ?? []).filter(isHalfMade).map(({ urn }) => urn);
}

/** Reads them again from the cloud, and nothing else. The state then has all that the cloud tells of them. */
export async function readAgain(pulumi: Run, say: (line: string) => void): Promise<void> {
    const urns = await halfMadeIn(pulumi);
    if (urns.length > 0) {
        say(`Made, but not finished; read again from the cloud: ${urns.map((urn) => urn.split("::").at(-1)).join(", ")}`);
        await pulumi(["refresh", "--yes", "--skip-preview", "--non-interactive", ...urns.flatMap((urn) => ["--target", urn])]);
    }
}
