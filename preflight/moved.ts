/** Obstacles for settings that would move an existing stack. A stack can't move: the `up` would create a second one, with empty stores. */
import type { Settings } from "../settings";
import { Commands } from "../settings/problems";
import type { LastUp } from "./lastUp";
import type { Obstacle } from "./problems";

const instead = "for another product beside it: pulumi stack init NAME";

/** Obstacles that the settings alone show, without a request. */
export function movedSettings(stack: string, settings: Settings, { namespace, place }: LastUp): Obstacle[] {
    const commands = new Commands(stack);
    const told = [
        { path: ["namespace"], was: namespace, is: settings.namespace, what: "its objects and in-cluster stores are there" },
        { path: ["alibaba", "region"], was: place?.region, is: settings.alibaba?.region, what: "its resources in Alibaba Cloud are there" },
        {
            path: ["alibaba", "accountType"],
            was: place?.accountType,
            is: settings.alibaba?.accountType,
            what: "its resources in Alibaba Cloud are in such an account",
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
                  message: `sms:existingNamespace is true, but stack ${stack} created namespace ${namespace} itself: the namespace would be deleted with everything in it`,
                  fix: commands.remove(["existingNamespace"]),
              },
          ]
        : [
              {
                  message: `sms:existingNamespace is false, but stack ${stack} lives in namespace ${namespace}, which it doesn't own`,
                  fix: commands.set(["existingNamespace"], true),
              },
          ];
}

/** An obstacle that only the cluster's id shows. The name of a context may now belong to another cluster. */
export function movedCluster(stack: string, settings: Settings, id: string | undefined, { place }: LastUp): Obstacle[] {
    const { cluster } = settings;
    if (place?.cluster === undefined || id === undefined || place.cluster === id || cluster.replaces === place.cluster) {
        return [];
    }
    const given = cluster.kind === "ack" ? `sms:cluster.id ${cluster.id}` : `sms:cluster.context ${cluster.context}`;
    return [
        {
            message: `${given} is cluster ${id}, but stack ${stack} lives in cluster ${place.cluster}: its objects and in-cluster stores are there`,
            fix: `restore the setting, or, ${instead}, or, if that cluster is lost with everything in it: ${new Commands(stack).set(["cluster", "replaces"], place.cluster)} (docs/moving.md)`,
        },
    ];
}
