/** `npm run test:machine`: the product on this machine's real cluster. */
import { Argument, InvalidArgumentError } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { say } from "../cli/say";
import { clone } from "../toolchain/places";
import { alone, asRoot, lanes } from "./machineFiles";
import { type Ended, run, sideBySide, summary } from "./suites";

const known = [...alone, ...lanes.flat()];

async function testMachine(chosen: readonly string[]): Promise<number> {
    const left = process.getuid?.() === 0 ? [] : asRoot;
    const isChosen = (name: string) => (chosen.length === 0 || chosen.includes(name)) && !left.includes(name);
    if (left.length > 0) {
        say(`  ! without root, these are left out: ${left.join(", ")}`);
    }
    await execa("npm", ["run", "--silent", "machine"], { cwd: clone, stdio: "inherit" });
    const ended: Ended[] = [];
    for (const name of alone.filter(isChosen)) {
        ended.push(await run(name, { isShown: true, command: mocha([name]) }));
    }
    const groups = new Map(lanes.map((names) => names.filter(isChosen)).map((names) => [names.join(" "), names]));
    groups.delete("");
    ended.push(
        ...(await sideBySide([...groups.keys()], 2, (group) => run(group, { isShown: false, command: mocha(groups.get(group) ?? []) }))),
    );
    return summary(ended);
}

/** The cluster's answers take up to minutes. */
function mocha(names: readonly string[]): [string, ...string[]] {
    return ["npx", "mocha", "--timeout", "900000", ...names.map((name) => `test/machine/${name}.test.ts`)];
}

function fileName(text: string, chosen: readonly string[] = []): string[] {
    if (!known.includes(text)) {
        throw new InvalidArgumentError(`Allowed: ${known.join(", ")}.`);
    }
    return [...chosen, text];
}

start(
    script("test:machine", "Tests the product on this machine's real cluster; brings up the machine first.")
        .addArgument(new Argument("[files...]", "some of the files in test/machine, without .test.ts").argParser(fileName).default([]))
        .action(exitCode(testMachine)),
);
