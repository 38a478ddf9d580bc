import { type Encryption, encryptionRules } from "./encryptionRules";
import { type Namespaces, namespaceRules } from "./namespaceRules";
import { type Places, placeRules } from "./placeRules";
import type { RuleBetween } from "./rules";
import { type Workloads, workloadRules } from "./workloadRules";

export type Blocks = Places & Workloads & Encryption & Namespaces;

/** What must hold between blocks. */
export const rulesBetween: RuleBetween<Blocks>[] = [...placeRules, ...workloadRules, ...encryptionRules, ...namespaceRules];
