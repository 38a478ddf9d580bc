import type { Experiment } from "../experiment";
import { configs } from "./configs";
import { messages } from "./messages";
import { rollouts } from "./rollouts";

/** In the order of the report. */
export const experiments: readonly Experiment[] = [rollouts, messages, configs];
