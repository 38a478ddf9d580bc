/** Settings that say where a stack lives. A living stack doesn't follow them: it would be a second one, with empty stores. */
import type { Settings } from "../settings";
import { Commands } from "../settings/problems";
import type { LastUp } from "./lastUp";
import type { Obstacle } from "./problems";

const instead = "for another product beside it: pulumi stack init NAME";

/** What the settings alone tell, before anything is asked. */
export function movedSettings(stack: string, settings: Settings, { namespace, place }: LastUp): Obstacle[] {
    const commands = new Commands(stack);
    const told = [
        { path: ["namespace"], was: namespace, is: settings.namespace, what: "its objects and in-cluster stores are there" },
        { path: ["alibaba", "region"], was: place?.region, is: settings.alibaba?.region, what: "what it has in Alibaba Cloud is there" },
        {
            path: ["alibaba", "accountType"],
            was: place?.accountType,
            is: settings.alibaba?.accountType,
            what: "what it has in Alibaba Cloud is in such an account",
        },
    ];
    const moved = told
        .filter(({ was, is }) => was !== undefined && is !== undefined && was !== is)
        .map(({ path, was, is, what }) => ({
            message: `sms:${path.join(".")} is ${is}, but stack ${stack} lives in ${was}: ${what}`,
            fix: `${commands.set(path, was)}, or, ${instead}`,
        }));
    return [...moved, ...changedHands(stack, settings, namespace, place?.isExistingNamespace)];
}

function changedHands(stack: string, settings: Settings, namespace: string | undefined, was: boolean | undefined): Obstacle[] {
    const commands = new Commands(stack);
    const { existingNamespace } = settings;
    if (namespace !== settings.namespace || existingNamespace === (was ?? false)) {
        return [];
    }
    return existingNamespace
        ? [
              {
                  message: `sms:existingNamespace is true, but stack ${stack} made namespace ${namespace} itself: it would be deleted with all that is in it`,
                  fix: commands.remove(["existingNamespace"]),
              },
          ]
        : [
              {
                  message: `sms:existingNamespace is false, but stack ${stack} lives in namespace ${namespace}, which isn't its own`,
                  fix: commands.set(["existingNamespace"], true),
              },
          ];
}

/** What only the cluster itself can tell: a context's name may have been given to another one. */
export function movedCluster(stack: string, settings: Settings, id: string | undefined, { place }: LastUp): Obstacle[] {
    const { cluster } = settings;
    if (place?.cluster === undefined || id === undefined || place.cluster === id || cluster.replaces === place.cluster) {
        return [];
    }
    const given = cluster.kind === "ack" ? `sms:cluster.id ${cluster.id}` : `sms:cluster.context ${cluster.context}`;
    return [
        {
            message: `${given} is cluster ${id}, but stack ${stack} lives in cluster ${place.cluster}: its objects and in-cluster stores are there`,
            fix: `put the setting back, or, ${instead}, or, if that cluster is gone with all that was in it: ${new Commands(stack).set(["cluster", "replaces"], place.cluster)} (docs/moving.md)`,
        },
    ];
}
