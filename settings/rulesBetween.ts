import { type Encryption, encryptionRules } from "./encryptionRules";
import { type Entrance, loadBalancerRules } from "./loadBalancerRules";
import { type Namespaces, namespaceRules } from "./namespaceRules";
import { type Places, placeRules } from "./placeRules";
import type { RuleBetween } from "./rules";
import { type Workloads, workloadRules } from "./workloadRules";

export type Blocks = Places & Workloads & Encryption & Namespaces & Entrance;

/** What must hold between blocks. */
export const rulesBetween: RuleBetween<Blocks>[] = [
    ...placeRules,
    ...workloadRules,
    ...encryptionRules,
    ...namespaceRules,
    ...loadBalancerRules,
];
