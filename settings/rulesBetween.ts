import { type Places, placeRules } from "./placeRules";
import type { RuleBetween } from "./rules";
import { type Workloads, workloadRules } from "./workloadRules";

export type Blocks = Places & Workloads;

/** What must hold between blocks. */
export const rulesBetween: RuleBetween<Blocks>[] = [...placeRules, ...workloadRules];
