/** `npm test`: runs every suite and prints the sum of their results. */
import { exitCode, script, start } from "../cli/command";
import { inTurn, sideBySide, summary } from "./suites";

/** The suites that find a fault soonest come first. None of them measures, so two share the cores. */
const beforeTheCluster = [
    "test:types",
    "test:lint",
    "test:python",
    "test:unit",
    "test:scripts",
    "test:stand-ins",
    "test:engine",
    "test:monitoring",
    "test:app",
];

async function all(): Promise<number> {
    return summary([...(await sideBySide(beforeTheCluster, 2)), ...(await inTurn(["test:machine"]))]);
}

start(script("test", "Runs every suite, also those on the real cluster.").action(exitCode(all)));
