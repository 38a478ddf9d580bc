/** What no stack may do, checked at every preview and again before each change: `pulumi up --policy-pack policies`. */
import { PolicyPack } from "@pulumi/policy";
import { beatRunsAlone, oneBeat } from "./beat";
import { internetIsEncrypted } from "./entrance";
import { namespacesAreClosed } from "./namespaces";
import { enforced, enforcedOnStack } from "./policy";
import { credentialsInSecrets } from "./secrets";
import { dataIsProtected, storesAdmitOnlyNamed, storesArePrivate, storesPayAsTheyGo } from "./stores";
import { imagesByDigest, podsAreRestricted, probesOnContainers, requestsAndLimits } from "./workloads";

export const resourcePolicies = [
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
];

export const stackPolicies = [oneBeat, namespacesAreClosed];

new PolicyPack("sms", {
    enforcementLevel: "mandatory",
    policies: [...resourcePolicies.map(enforced), ...stackPolicies.map(enforcedOnStack)],
});
