/** `npm run prove`: runs the experiments on the real cluster and writes the report. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../../cli/command";
import { say } from "../../cli/say";
import { clone } from "../../toolchain/places";
import { MachineError, step } from "../../toolchain/progress";
import { type Experiment, type Form, goalsOf, isMet, nameOf, type Result, type Run, resultOf, type Side } from "./experiment";
import { experiments } from "./experiments";
import { report } from "./report";
import { Played } from "./stage";

function chosen(names: string): readonly Experiment[] {
    return names.split(",").map((name) => {
        const found = experiments.find((experiment) => experiment.name === name);
        if (found === undefined) {
            throw new InvalidArgumentError(`There is no experiment ${name}.`);
        }
        return found;
    });
}

function sides({ protections, origin }: Experiment): Side[] {
    return [
        { kind: "ours" },
        ...Object.keys(protections).map((protection) => ({ kind: "without" as const, protection })),
        ...(origin === undefined ? [] : [{ kind: "origin" as const }]),
    ];
}

async function run({ trial: make, ...experiment }: Experiment, chosen: readonly Side[], form: Form, stage: Played): Promise<Run> {
    const start = performance.now();
    const found: Result["sides"] = [];
    for (const side of chosen) {
        const trial = await step(`${experiment.name}: ${nameOf(side)}`, () => make(stage, side, form));
        for (const count of trial.counts.filter(({ goal }) => goal !== undefined)) {
            say(
                `      ${isMet(count) ? "met " : "MISS"} ${count.group}: ${count.what}: ${Number(count.value.toFixed(2))} (goal ${count.goal})`,
            );
        }
        for (const note of trial.notes ?? []) {
            say(`      ${note}`);
        }
        found.push({ side, trial });
    }
    return {
        experiment,
        form,
        at: new Date().toISOString(),
        seconds: Math.round((performance.now() - start) / 1000),
        sides: found,
    };
}

const folder = join(clone, "docs", "reliability");
const resultFile = ({ name }: Experiment) => join(folder, `${name}.json`);

function lastResult(experiment: Experiment): Result | undefined {
    const file = resultFile(experiment);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

interface Options {
    readonly only?: readonly Experiment[];
    readonly short?: boolean;
    readonly without?: string;
    readonly report?: boolean;
}

async function prove({ only: wanted = experiments, short = false, without, report: onlyReport = false }: Options): Promise<number> {
    const protections = wanted.flatMap((experiment) => Object.keys(experiment.protections));
    if (without !== undefined && !protections.includes(without)) {
        throw new MachineError(`There is no protection ${without}; there are ${protections.join(", ")}.`);
    }
    const isKept = !short && without === undefined;
    mkdirSync(folder, { recursive: true });
    const failures: string[] = [];
    if (!onlyReport) {
        const stage = await Played.begin({ onMachine: true });
        try {
            for (const experiment of wanted) {
                const all = sides(experiment).filter(
                    (side) => without === undefined || (side.kind === "without" && side.protection === without),
                );
                const result = await run(experiment, all, short ? "short" : "full", stage).catch((error: Error) => {
                    // The other experiments still run.
                    failures.push(`${experiment.name} ended with an error`);
                    say(`      ${error.message}`);
                });
                await stage.clearOrigin();
                if (result === undefined) {
                    continue;
                }
                const missed = goalsOf(result, "ours").filter((count) => !isMet(count));
                if (isKept) {
                    writeFileSync(resultFile(experiment), `${JSON.stringify(resultOf(result, lastResult(experiment)))}\n`);
                }
                failures.push(
                    ...missed.map(({ group, what, value, goal }) => `${experiment.name}: ${group}: ${what} ${value}, goal ${goal}`),
                );
            }
        } finally {
            await stage.clear();
        }
    }
    if (isKept) {
        await report(
            experiments.map(lastResult).filter((result) => result !== undefined),
            clone,
        );
        say("docs/reliability.md");
    }
    for (const failure of failures) {
        say(`not met: ${failure}`);
    }
    return failures.length === 0 ? 0 : 1;
}

start(
    script("prove", "Runs failure experiments on the real cluster, counts the losses and writes docs/reliability.md.")
        .option("--only <names>", `some of ${experiments.map(({ name }) => name).join(",")}`, chosen)
        .option("--short", "seconds instead of minutes; doesn't change the report")
        .option("--without <protection>", "only without this protection; doesn't change the report")
        .addOption(
            new Option("--report", "only write docs/reliability.md again from the last results").conflicts(["only", "short", "without"]),
        )
        .action(exitCode(prove)),
    // An open handle of an experiment must not keep the process running.
    () => process.exit(),
);
