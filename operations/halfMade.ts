/**
 * Resources that the cloud created but refused to configure. The official alicloud provider then saves almost none of their properties
 * in the state. Without a refresh, the next `up` would replace a MongoDB, and would send a Redis settings that it already has.
 */

import { type OnStack, stateOf } from "./state";

/** The URNs of these resources. */
export async function halfMadeIn(pulumi: OnStack): Promise<readonly string[]> {
    const { deployment } = await stateOf(pulumi);
    const isHalfMade = ({ type, initErrors = [] }: { type: string; initErrors?: readonly string[] }) =>
        type.startsWith("alicloud:") && initErrors.length > 0;
    return (deployment?.resources ?? []).filter(isHalfMade).map(({ urn }) => urn);
}

/** Refreshes only these resources. After that the state has all their properties in the cloud. */
export async function readAgain(pulumi: OnStack, say: (line: string) => void): Promise<void> {
    const urns = await halfMadeIn(pulumi);
    if (urns.length > 0) {
        say(`Created but not finished; refreshing from the cloud: ${urns.map((urn) => urn.split("::").at(-1)).join(", ")}`);
        await pulumi(["refresh", "--yes", "--skip-preview", "--non-interactive", ...urns.flatMap((urn) => ["--target", urn])]);
    }
}
