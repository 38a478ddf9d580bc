import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { svg } from "../reliability/plot";
import { anchor } from "../reliability/report";
import type { Circumstances } from "./circumstances";
import { type Amount, type Figure, isMet, type Result, type Row, ratio } from "./row";

/** A row's result, with the conditions and the duration of its measurement. */
export type Kept = Result & Circumstances & { readonly seconds: number };

interface Measured {
    readonly row: Row;
    readonly kept: Kept;
}

/** Writes docs/performance.md and its plots. Returns the verdicts. */
export async function writeReport(rows: readonly Measured[], folder: string): Promise<string> {
    for (const { row, kept } of rows) {
        writeFileSync(join(folder, `${row.name}.svg`), await svg(ratios(kept)));
    }
    const verdicts = rows.flatMap(({ row, kept }) => judged(kept).map((figure) => ({ row, figure })));
    const table = [
        "| measurement | compared with | value | comparison | ratio | goal | result |",
        "|---|---|---|---|---|---|---|",
        ...verdicts.map(
            ({ row, figure }) =>
                `| [${figure.what}](#${anchor(row.title)}) | ${figure.comparedWith ?? row.peer} | ${cells(figure).join(" | ")} |`,
        ),
    ].join("\n");
    const first = rows[0]?.kept;
    const text = [
        "# Performance",
        "",
        "`npm run bench` measures each row and its comparison in turns, in one run. The value is this project's, unless the row says otherwise. Repeated measurements are shown as the median, with the lowest and the highest value in brackets. CPU time is the time of a command and of all its child processes.",
        "",
        "The ratio is the value divided by the comparison. A goal with × is for the ratio, and a goal with a unit is for the value. If two sides do different work, the row or its notes say so. To repeat rows, run `npm run bench -- --only preview,unit`. The report has the last measurement of each row.",
        "",
        first ? `Host: ${first.processors}, ${first.memoryGiB} GiB of memory, Node ${first.node.slice(1)}.` : "",
        "",
        table,
        ...rows.map(section),
    ].join("\n");
    writeFileSync(join(folder, "..", "performance.md"), `${text}\n`);
    return verdicts
        .map(({ figure }) => `${isMet(figure) ? "met    " : "not met"}  ${ratio(figure).toFixed(2)}× (${goalOf(figure)})  ${figure.what}`)
        .join("\n");
}

const judged = ({ figures }: Kept) => figures.filter(({ goal }) => goal !== undefined);

function section({ row, kept }: Measured): string {
    const lines = kept.figures.map((figure) => `| ${figure.what} | ${cells(figure).join(" | ")} |`);
    const parts = kept.parts.map(({ what, value, unit }) => `| ${what} | ${shown(value)} ${unit} |`);
    return [
        `\n## ${row.title}\n`,
        `Compared with ${row.peer}. \`npm run bench -- --only ${row.name}\` measured it on ${kept.measuredAt.replace("T", " ")} UTC at commit ${kept.commit}, in ${kept.seconds} s. The load average was ${kept.load}.\n`,
        `![${row.title}](performance/${row.name}.svg)\n`,
        "| measurement | value | comparison | ratio | goal | result |\n|---|---|---|---|---|---|",
        ...lines,
        ...(parts.length > 0 ? ["\nDetails:\n\n| part | value |\n|---|---|", ...parts] : []),
        ...kept.remarks.map((remark) => `\n${remark}`),
    ].join("\n");
}

function cells(figure: Figure): string[] {
    const met = isMet(figure);
    const verdict = met === undefined ? "" : met ? "met" : "**not met**";
    return [text(figure.ours, figure.unit), text(figure.peer, figure.unit), `${ratio(figure).toFixed(2)}×`, goalOf(figure), verdict];
}

function goalOf({ goal, unit }: Figure): string {
    if (goal === undefined) {
        return "";
    }
    if ("oursAtMost" in goal) {
        return `≤ ${goal.oursAtMost} ${unit}`;
    }
    return "atMost" in goal ? `≤ ${goal.atMost}×` : `≥ ${goal.atLeast}×`;
}

function text({ value, least, most }: Amount, unit: string): string {
    const spread = least === undefined || most === undefined || least === most ? "" : ` (${shown(least)}–${shown(most)})`;
    return `${shown(value)} ${unit}${spread}`;
}

function shown(value: number): string {
    return value >= 100 ? String(Math.round(value)) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function goalAsRatio({ goal, peer }: Figure): number | undefined {
    if (goal === undefined) {
        return undefined;
    }
    return "oursAtMost" in goal ? goal.oursAtMost / peer.value : "atMost" in goal ? goal.atMost : goal.atLeast;
}

/** A plot of our values as multiples of the peer's, with the goals as ticks. */
function ratios({ figures }: Kept): TopLevelSpec {
    const values = figures.map((figure) => ({
        what: figure.what,
        ratio: ratio(figure),
        goal: goalAsRatio(figure),
        verdict: { true: "met", false: "not met", undefined: "no goal" }[String(isMet(figure))],
    }));
    // The part of a label after a colon is on a second line. Vega centres the first line, so both lines move up by half a line.
    const labelOffset = values.every(({ what }) => what.includes(": ")) ? -6 : 0;
    const axis = { labelLimit: 600, labelExpr: "split(datum.label, ': ')", labelOffset };
    const y = { field: "what", type: "nominal", sort: null, title: null, axis } as const;
    return {
        width: 420,
        height: { step: 28 },
        data: { values },
        layer: [
            {
                mark: { type: "bar", height: 14 },
                encoding: {
                    y,
                    x: { field: "ratio", type: "quantitative", title: "value ÷ comparison" },
                    color: {
                        field: "verdict",
                        type: "nominal",
                        scale: { domain: ["met", "not met", "no goal"], range: ["#2da44e", "#cf222e", "#8c959f"] },
                        title: null,
                    },
                },
            },
            {
                transform: [{ filter: "isValid(datum.goal)" }],
                mark: { type: "tick", thickness: 3, size: 24, color: "black" },
                encoding: { y, x: { field: "goal", type: "quantitative" } },
            },
            { mark: { type: "rule", strokeDash: [3, 3] }, encoding: { x: { datum: 1 } } },
        ],
    };
}
