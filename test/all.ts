/** `npm test`: runs every suite and prints the sum of their results. */
import { exitCode, script, start } from "../cli/command";
import { inTurn, sideBySide, summary } from "./suites";

/** The suites that find a fault soonest come first. Nothing in them is timed, so two share the cores. */
const inTwoLanes = [
    "test:types",
    "test:lint",
    "test:python",
    "test:unit",
    "test:scripts",
    "test:stand-ins",
    "test:engine",
    "test:monitoring",
];
/** Their tests wait for real processes, with limits. */
const alone = ["test:app", "test:machine"];

async function all(): Promise<number> {
    return summary([...(await sideBySide(inTwoLanes, 2)), ...(await inTurn(alone))]);
}

start(script("test", "Runs every suite, also those on the real cluster.").action(exitCode(all)));
