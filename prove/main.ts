/** `npm run prove`: the experiments on the real cluster, and the report of what they counted. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { clone } from "../machine/places";
import { MachineError, say, step } from "../machine/progress";
import { type Experiment, type Form, goalsOf, isMet, nameOf, type Result, type Run, resultOf, type Side } from "./experiment";
import { experiments } from "./experiments";
import { report } from "./report";
import { Played } from "./stage";

const usage = `npm run prove -- [--only NAME,NAME] [--short] [--without PROTECTION] [--report]
  --only      some of ${experiments.map(({ name }) => name).join(", ")}
  --short     seconds in the place of minutes; doesn't touch the report
  --without   only with this protection taken out; doesn't touch the report
  --report    only writes docs/reliability.md anew, from the last results`;

function options() {
    try {
        const { values } = parseArgs({
            options: {
                only: { type: "string" },
                short: { type: "boolean" },
                without: { type: "string" },
                report: { type: "boolean" },
            },
        });
        return values;
    } catch (error) {
        throw new MachineError(`${(error as Error).message}\n${usage}`);
    }
}

function chosen(only: string | undefined): readonly Experiment[] {
    const names = only?.split(",") ?? experiments.map(({ name }) => name);
    return names.map((name) => {
        const found = experiments.find((experiment) => experiment.name === name);
        if (found === undefined) {
            throw new MachineError(`There is no experiment ${name}.\n${usage}`);
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

async function main(): Promise<number> {
    const { only, short = false, without, report: onlyReport = false } = options();
    const wanted = chosen(only);
    const isKept = !short && without === undefined;
    mkdirSync(folder, { recursive: true });
    const failures: string[] = [];
    if (!onlyReport) {
        const stage = await Played.begin();
        try {
            for (const experiment of wanted) {
                const all = sides(experiment).filter(
                    (side) => without === undefined || (side.kind === "without" && side.protection === without),
                );
                const result = await run(experiment, all, short ? "short" : "full", stage).catch((error: Error) => {
                    // What the others show is worth having all the same.
                    failures.push(`${experiment.name} broke off`);
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

main().then(
    // Whatever an experiment left open must not hold up who waits for the end.
    (exitCode) => process.exit(exitCode),
    (error) => {
        process.stderr.write(`\n${error instanceof MachineError ? error.message : error.stack}\n`);
        process.exit(1);
    },
);
