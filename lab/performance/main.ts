/**
 * `npm run bench`, `npm run bench -- --only preview,unit`: measures each row and its peer, and writes docs/performance.md.
 * A row's result is stored in docs/performance/<row>.json, so that single rows can be measured again.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../../cli/command";
import { clone } from "../../toolchain/places";
import { Played } from "../reliability/stage";
import { circumstances } from "./circumstances";
import { type Kept, writeReport } from "./report";
import { codeChange } from "./rows/codeChange";
import { coldStart, emptyStart } from "./rows/coldStart";
import { evaluation } from "./rows/evaluation";
import { growth } from "./rows/growth";
import { image } from "./rows/image";
import { noChange } from "./rows/noChange";
import { preview } from "./rows/preview";
import { unit } from "./rows/unit";
import { web } from "./rows/web";
import { worker } from "./rows/worker";

const rows = [preview, evaluation, unit, codeChange, noChange, image, web, worker, growth, coldStart, emptyStart];
const folder = join(clone, "docs", "performance");

function named(names: string): typeof rows {
    const unknown = names.split(",").filter((name) => !rows.some((row) => row.name === name));
    if (unknown.length > 0) {
        throw new InvalidArgumentError(`There is no row ${unknown.join(", ")}.`);
    }
    return rows.filter(({ name }) => names.split(",").includes(name));
}

interface Options {
    readonly only?: typeof rows;
    readonly report?: boolean;
}

async function bench({ only, report = false }: Options): Promise<number> {
    mkdirSync(folder, { recursive: true });
    const chosen = report ? [] : (only ?? rows.filter(({ onlyByName }) => !onlyByName));
    const failed = chosen.length === 0 ? [] : await measureAll(chosen);
    const measured = rows.flatMap((row) => {
        const file = join(folder, `${row.name}.json`);
        return existsSync(file) ? [{ row, kept: JSON.parse(readFileSync(file, "utf8")) as Kept }] : [];
    });
    process.stdout.write(`\n${await writeReport(measured, folder)}\n`);
    return failed.length > 0 ? 1 : 0;
}

/** Measures the rows and stores their results. Returns the names of the rows that failed. */
async function measureAll(chosen: typeof rows): Promise<string[]> {
    const stage = await Played.begin({ onMachine: chosen.some(({ onMachine }) => onMachine) });
    const failed: string[] = [];
    for (const row of chosen) {
        const start = performance.now();
        process.stdout.write(`${row.title}, compared with ${row.peer} …\n`);
        try {
            const result = await row.measure(stage);
            const seconds = Math.round((performance.now() - start) / 1000);
            const kept: Kept = { ...result, ...(await circumstances()), seconds };
            writeFileSync(join(folder, `${row.name}.json`), `${JSON.stringify(kept, null, 4)}\n`);
            process.stdout.write(`  ${seconds} s\n`);
        } catch (error) {
            failed.push(row.name);
            process.stderr.write(`  failed: ${(error as Error).message}\n`);
        }
    }
    await stage.clear();
    return failed;
}

start(
    script("bench", "Measures how long this project's operations take, compared with other tools. Writes docs/performance.md.")
        .option("--only <rows>", `some of ${rows.map(({ name }) => name).join(",")}`, named)
        .addOption(new Option("--report", "only write docs/performance.md again from the last results").conflicts("only"))
        .action(exitCode(bench)),
);
