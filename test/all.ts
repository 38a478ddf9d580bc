/** `npm test`: runs every suite, one after the other, and prints the sum of their results. */
import { exitCode, script, start } from "../cli/command";
import { inTurn, summary } from "./suites";

/** The suites that find a fault soonest come first. */
const suites = [
    "test:types",
    "test:lint",
    "test:python",
    "test:unit",
    "test:scripts",
    "test:stand-ins",
    "test:engine",
    "test:monitoring",
    "test:app",
    "test:machine",
];

async function all(): Promise<number> {
    return summary(await inTurn(suites));
}

start(script("test", "Runs every suite, also those on the real cluster.").action(exitCode(all)));
