/** A rule for the image and the registry to which the pods have an account. */
import { acrHosts } from "../components/acrHosts";
import { type Checked, type RuleBetween, refusal } from "./rules";

export interface Images {
    alibaba?: { region: string };
    registry: { kind?: string; server?: string; pullServer?: string; instanceName?: string };
    image: { kind?: string; reference?: string };
}

export const imageRules: RuleBetween<Images>[] = [{ rule: imageIsInTheRegistry, blocks: ["alibaba", "registry", "image"] }];

/** The pull secret is for the registry's hosts. No other host may get its password. */
function imageIsInTheRegistry({ value: { alibaba, registry, image }, issues }: Checked<Images>) {
    if (image.reference === undefined) {
        return;
    }
    const hosts = hostsOf(registry, `${alibaba?.region}`);
    if (!hosts.some((host) => image.reference?.startsWith(`${host}/`))) {
        const allowed = `an image of the registry in sms:registry: ${[...new Set(hosts)].join(" or ")}`;
        const example = image.reference.replace(/^[^/]+/, hosts[0] ?? "");
        issues.push(refusal(["image", "reference"], image.reference, allowed, example));
    }
}

/** The hosts that nodes may pull from, the preferred one first. */
function hostsOf({ kind, server, pullServer, instanceName }: Images["registry"], region: string): string[] {
    if (kind === "acr") {
        const { push, pull } = acrHosts(`${instanceName}`, region);
        return [pull, push];
    }
    return [pullServer, server].filter((host) => host !== undefined);
}
