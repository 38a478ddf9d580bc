/**
 * `npm run dashboard`: draws docs/dashboard.svg from the values of a real Prometheus. During the run, clients send messages, and for
 * 40 s there is no worker.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { exitCode, script, start } from "../../cli/command";
import { alertRules } from "../../monitoring/alerts";
import { type Panel, panels } from "../../monitoring/dashboard";
import { clone } from "../../toolchain/places";
import { Prometheus } from "../machine/prometheus";
import { pause } from "./cluster";
import { Attack, writes } from "./load";
import { svg } from "./plot";
import { Played } from "./stage";

const rate = 20;
const stepSeconds = 2;

interface Drawn {
    line: string;
    /** Since the beginning of the run. */
    seconds: number;
    value: number;
}

interface Span {
    from: Date;
    to: Date;
}

/** The points of a panel's lines. */
async function drawn({ queries }: Panel, prometheus: Prometheus, { from, to }: Span): Promise<Drawn[]> {
    const all = Object.entries(queries).map(async ([name, query]) => {
        const lines = await prometheus.lines(query.replaceAll("$__rate_interval", "20s"), from, to, stepSeconds);
        return lines.flatMap(({ metric, values }) =>
            values.map(([time, value]) => ({
                line: name.replace(/\{\{(\w+)\}\}/g, (_, label: string) => short(metric[label] ?? "")),
                seconds: time - from.getTime() / 1000,
                value: Number(value),
            })),
        );
    });
    return (await Promise.all(all)).flat().filter(({ value }) => Number.isFinite(value));
}

/** Removes the common part of a label: the module of a task, the ReplicaSet of a pod. */
function short(value: string): string {
    return value.replace(/^sms\.tasks\./, "").replace(/-[0-9a-f]{8,10}-(\w{5})$/, " $1");
}

/** Grafana's units, as the axis shows them. */
const words: Record<Panel["unit"], string> = { reqps: "1/s", ops: "1/s", percentunit: "share", s: "s", short: "", bytes: "bytes" };

function chart(all: readonly { panel: Panel; values: Drawn[] }[], away: { start: number; end: number }): TopLevelSpec {
    return {
        columns: 3,
        concat: all.map(({ panel: { title, unit }, values }) => ({
            title: { text: title, anchor: "start" as const, fontSize: 12 },
            width: 300,
            height: 130,
            layer: [
                {
                    data: { values: [away] },
                    mark: { type: "rect" as const, color: "#e8e8e8" },
                    encoding: { x: { field: "start", type: "quantitative" as const }, x2: { field: "end" } },
                },
                {
                    data: { values },
                    mark: { type: "line" as const, strokeWidth: 1.2 },
                    encoding: {
                        x: { field: "seconds", type: "quantitative" as const, title: "s" },
                        y: {
                            field: "value",
                            type: "quantitative" as const,
                            title: words[unit],
                            axis: unit === "bytes" ? { format: "~s" } : {},
                        },
                        color: {
                            field: "line",
                            type: "nominal" as const,
                            title: null,
                            legend: { orient: "bottom" as const, columns: 2, labelLimit: 150 },
                        },
                    },
                },
            ],
        })),
        resolve: { scale: { color: "independent" } },
    };
}

async function dashboard(): Promise<number> {
    const stage = await Played.begin({ onMachine: true });
    const product = await stage.product();
    const namespace = product.cluster.name;
    const rules = alertRules({ namespace, workers: ["sms-worker"], onCallUrl: "docs/on-call.md" });
    const prometheus = await Prometheus.start(namespace, rules);
    try {
        // A rate is computed from earlier values.
        await pause(20);
        const from = new Date();
        const since = () => (Date.now() - from.getTime()) / 1000;
        const load = { requests: writes(product.address), rate, seconds: 180, keepAlive: true };
        const { result: away } = await Attack.during(load, async () => {
            await pause(40);
            const start = since();
            await product.cluster.scale("deployment", "sms-worker", 0);
            await pause(40);
            const end = since();
            await product.cluster.scale("deployment", "sms-worker", 2);
            await pause(60);
            return { start, end };
        });
        const span = { from, to: new Date() };
        const all = await Promise.all(
            Object.values(panels(namespace))
                .flat()
                .map(async (panel) => ({ panel, values: await drawn(panel, prometheus, span) })),
        );
        // On this machine, folders replace volumes and have no metric of free space. Vega can't draw a chart without values.
        const withValues = all.filter(({ values }) => values.length > 0);
        writeFileSync(join(clone, "docs", "dashboard.svg"), await svg(chart(withValues, away)));
    } finally {
        prometheus.stop();
        await stage.clear();
    }
    return 0;
}

start(script("dashboard", "Draws docs/dashboard.svg from a real run on the machine, with no worker for 40 s.").action(exitCode(dashboard)));
