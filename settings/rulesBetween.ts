import { type Encryption, encryptionRules } from "./encryptionRules";
import { type Images, imageRules } from "./imageRules";
import { type Entrance, loadBalancerRules } from "./loadBalancerRules";
import { type Namespaces, namespaceRules } from "./namespaceRules";
import { type Places, placeRules } from "./placeRules";
import { type Environment, productionRules } from "./production";
import type { RuleBetween } from "./rules";
import { type Workloads, workloadRules } from "./workloadRules";

export type Blocks = Places & Workloads & Encryption & Namespaces & Entrance & Images & Environment;

/** All rules between blocks. */
export const rulesBetween: RuleBetween<Blocks>[] = [
    ...placeRules,
    ...workloadRules,
    ...encryptionRules,
    ...namespaceRules,
    ...loadBalancerRules,
    ...imageRules,
    ...productionRules,
];
