/** The files of test/machine/ by name, in the groups that may run at the same time. */

/** They wait for rollouts most of the time, so two lanes share the cores. Files that run `npm run up` or `down` are in the same lane. */
export const lanes = [
    ["failedRollout", "logs", "owner", "storeCheck", "monitoring", "metrics", "packages", "adopting"],
    ["twoStacks", "scale", "ownCluster", "dev", "networkPolicies", "closedNamespace", "volumes"],
];

/** They try the machine on a bare Debian. Without root, `npm run up` uses a docker daemon that is there, so there is nothing to try. */
export const asRoot = ["host", "packages"];

/**
 * One after the other, with nothing beside them: `host` and `machine` compare all of Docker's containers, `capacity` needs a free capacity that stays
 * the same, `stack` stops the whole cluster, and `prove` counts what each client sees.
 */
export const alone = ["host", "machine", "capacity", "stack", "prove"];
