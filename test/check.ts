/** `npm run check`: runs the suites that need no engine and no cluster, at the same time. Run it before each commit. */
import { exitCode, script, start } from "../cli/command";
import { run, summary } from "./suites";

const suites = ["test:types", "test:lint", "test:python", "test:unit", "test:stand-ins"];

async function check(): Promise<number> {
    return summary(await Promise.all(suites.map((suite) => run(suite, { isShown: false }))));
}

start(script("check", "Checks types, style, Python, units and stand-ins before each commit: 21 s on 2 cores.").action(exitCode(check)));
