/** Every rule of the pack. */
import { beatRunsAlone, oneBeat } from "./beat";
import { entranceIsListed, internetIsEncrypted, strangersAreRefused } from "./entrance";
import { namespacesAreClosed } from "./namespaces";
import type { ResourcePolicy, StackPolicy } from "./policy";
import { nobodyMayEverything } from "./rights";
import { credentialsInSecrets } from "./secrets";
import { dataIsProtected, storesAdmitOnlyNamed, storesArePrivate, storesPayAsTheyGo } from "./stores";
import { imagesByDigest, podsAreRestricted, probesOnContainers, requestsAndLimits } from "./workloads";

export const resourcePolicies: readonly ResourcePolicy[] = [
    imagesByDigest,
    requestsAndLimits,
    probesOnContainers,
    podsAreRestricted,
    beatRunsAlone,
    storesArePrivate,
    storesAdmitOnlyNamed,
    dataIsProtected,
    storesPayAsTheyGo,
    credentialsInSecrets,
    internetIsEncrypted,
    entranceIsListed,
    strangersAreRefused,
    nobodyMayEverything,
];

export const stackPolicies: readonly StackPolicy[] = [oneBeat, namespacesAreClosed];
