import type { Experiment } from "../experiment";
import { beatExperiment } from "./beat";
import { configs } from "./configs";
import { door } from "./door";
import { lines } from "./lines";
import { messages } from "./messages";
import { outageExperiment } from "./outages";
import { pressure } from "./pressure";
import { rollouts } from "./rollouts";
import { scaling } from "./scaling";
import { secrets } from "./secrets";
import { ups } from "./ups";

/** In the order of the report. */
export const experiments: readonly Experiment[] = [
    rollouts,
    messages,
    scaling,
    outageExperiment,
    beatExperiment,
    ups,
    lines,
    configs,
    pressure,
    secrets,
    door,
];
