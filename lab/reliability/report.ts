import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Count, goalsOf, isMet, nameOf, type Point, type Result } from "./experiment";
import { svg } from "./plot";

/** Writes docs/reliability.md and its plots from the last result of each experiment. */
export async function report(results: readonly Result[], clone: string): Promise<void> {
    const sections: string[] = [];
    for (const result of results) {
        const { experiment } = result;
        const lines = result.sides.flatMap(({ side, trial }) => (trial.points ?? []).map((point) => ({ ...point, side: nameOf(side) })));
        const plot = `reliability/${experiment.name}.svg`;
        if (lines.length > 0) {
            writeFileSync(join(clone, "docs", plot), await svg(chart(result, lines)));
        }
        sections.push(section(result, lines.length > 0 ? plot : undefined));
    }
    writeFileSync(join(clone, "docs", "reliability.md"), `${head}\n${summary(results)}\n\n${sections.join("\n\n")}\n`);
}

const head = `# Reliability

\`npm run prove\` writes this report. It runs each experiment on a real Kubernetes cluster with one node and 2 cores. The load generator and Pulumi's engine use the same cores. A value in bold misses its goal. An empty cell has no goal or was not measured.

Each experiment also runs without each of its protections. Such a run must miss a goal: otherwise the experiment proves nothing. If the [original manifest](../lab/origin/manifest.yaml) has a comparable part, that part runs in the same run with the same number of pods.

To repeat single experiments: \`npm run prove -- --only rollouts,beat\`. To run an experiment without a protection: \`npm run prove -- --only rollouts --without drain\`.
`;

function summary(results: readonly Result[]): string {
    const rows = results.map((result) => {
        const { experiment } = result;
        const missed = goalsOf(result, "ours").filter((count) => !isMet(count));
        const missesGoal = result.sides
            .filter(({ side }) => side.kind === "without")
            .map(({ trial }) => trial.counts.some((count) => !isMet(count)));
        const origin = goalsOf(result, "origin");
        return [
            `[${experiment.title}](#${anchor(experiment.title)})`,
            missed.length === 0 ? "met" : `not met: ${missed.map(named).join("; ")}`,
            `${result.metInARow}`,
            missesGoal.every(Boolean) ? "yes" : "**no**",
            origin.length === 0
                ? "not compared"
                : origin.every(isMet)
                  ? "meets all goals"
                  : `misses ${origin.filter((count) => !isMet(count)).length} of ${origin.length}`,
            result.at.slice(0, 16).replace("T", " "),
            `${result.seconds} s`,
        ];
    });
    return table(
        [
            "experiment",
            "goals",
            "successive runs that met all goals",
            "misses a goal if a protection is removed",
            "the original manifest",
            "date (UTC)",
            "duration",
        ],
        rows,
    );
}

function named({ group, what }: Count): string {
    return group === "" ? what : `${what} (${group})`;
}

function section(result: Result, plot: string | undefined): string {
    const { experiment } = result;
    const notes = [...new Set(result.sides.flatMap(({ trial }) => trial.notes ?? []))];
    const sides = [
        ...Object.entries(experiment.protections).map(([name, what]) => `- *without ${name}*: ${what}.`),
        ...(experiment.origin === undefined ? [] : [`- *the original manifest*: ${experiment.origin}.`]),
    ];
    return [
        `## ${experiment.title}`,
        experiment.method,
        "Compared variants:",
        sides.join("\n"),
        counts(result),
        ...(plot === undefined ? [] : [`![${experiment.title}](${plot})`]),
        ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join("\n")]),
    ].join("\n\n");
}

/** A table with one row for each count and one column for each side. A value that misses its goal is bold. */
function counts(result: Result): string {
    const all = result.sides.flatMap(({ trial }) => trial.counts);
    const rows = [...new Map(all.map((count) => [`${count.group}\n${count.what}`, count])).values()];
    let group = "";
    const lines = rows.flatMap((row) => {
        const isNew = row.group !== group;
        group = row.group;
        const cells = result.sides.map(({ trial }) => {
            const count = trial.counts.find((count) => count.group === row.group && count.what === row.what);
            return count === undefined ? "" : isMet(count) ? shown(count.value) : `**${shown(count.value)}**`;
        });
        const line = [row.what, row.goal === undefined ? "" : `≤ ${row.goal}`, ...cells];
        return isNew && group !== "" ? [[`*${group}*`, "", ...cells.map(() => "")], line] : [line];
    });
    return table(["measurement", "goal", ...result.sides.map(({ side }) => nameOf(side))], lines);
}

function shown(value: number): string {
    return Number.isInteger(value) ? `${value}` : value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function table(head: string[], rows: string[][]): string {
    const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
    return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function anchor(title: string): string {
    return title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-");
}

function chart({ experiment: { axes }, sides }: Result, lines: readonly (Point & { side: string })[]) {
    const range = ["#2f7ed8", "#d9822b", "#999999", "#55a868"];
    return {
        data: { values: lines },
        facet: {
            row: {
                field: "panel",
                type: "nominal" as const,
                title: null,
                header: { orient: "top" as const, labelAnchor: "start" as const },
            },
        },
        resolve: { scale: { y: axes?.y === undefined ? ("independent" as const) : ("shared" as const) } },
        spec: {
            width: 640,
            height: 120,
            mark: { type: "line" as const, strokeWidth: 1.2 },
            encoding: {
                x: { field: "x", type: "quantitative" as const, title: axes?.x },
                y: {
                    field: "y",
                    type: "quantitative" as const,
                    title: axes?.y ?? null,
                    scale: axes?.logarithmic ? { type: "log" as const } : {},
                },
                color: {
                    field: "side",
                    type: "nominal" as const,
                    title: null,
                    scale: { domain: sides.map(({ side }) => nameOf(side)), range },
                    legend: { orient: "top" as const, labelLimit: 300 },
                },
            },
        },
    };
}
