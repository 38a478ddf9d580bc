/** Grafana's dashboard for the person on call. docs/on-call.md names its panels. */
import { VizLegendOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import { DashboardBuilder, DashboardCursorSync, DatasourceVariableBuilder, RowBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { fromCustomers, seriesIn } from "./series";

export interface Panel {
    title: string;
    /** Grafana's name of the unit. */
    unit: "reqps" | "ops" | "percentunit" | "s" | "short" | "bytes";
    /** The queries by the name of their line. In a name, `{{label}}` stands for a label's value. */
    queries: Record<string, string>;
    /** An explanation, if the title isn't enough. */
    description?: string;
}

/** The panels by row. Grafana sets `$__rate_interval` to a few scrape intervals. */
export function panels(namespace: string): Record<string, Panel[]> {
    const series = seriesIn(namespace);
    const rate = (metric: string, ...matchers: string[]) => `rate(${series(metric, ...matchers)}[$__rate_interval])`;
    const quantiles = (metric: string, ...matchers: string[]) =>
        Object.fromEntries(
            [0.5, 0.95, 0.99].map((quantile) => [
                `${quantile * 100} %`,
                `histogram_quantile(${quantile}, sum by (le) (${rate(`${metric}_bucket`, ...matchers)}))`,
            ]),
        );
    const messages = (end: string) => `sum(${rate(`sms_messages_${end}_total`)})`;
    const requests = rate("sms_http_requests_total", fromCustomers);
    const errors = rate("sms_http_requests_total", fromCustomers, 'status=~"5.."');
    // The sum over containers if the node reports each container, else the pod's own value.
    const byPod = (used: (...matchers: string[]) => string) =>
        `sum by (pod) (${used('container!=""')}) or sum by (pod) (${used('container=""', 'pod!=""')})`;
    return {
        Requests: [
            { title: "Requests by status", unit: "reqps", queries: { "{{status}}": `sum by (status) (${requests})` } },
            { title: "Requests by route", unit: "reqps", queries: { "{{method}} {{route}}": `sum by (method, route) (${requests})` } },
            {
                title: "Failed requests",
                unit: "percentunit",
                description: "Those that end with a 5xx.",
                queries: { failed: `(sum(${errors}) or vector(0)) / sum(${requests})` },
            },
        ],
        Latency: [
            { title: "Time to answer a request", unit: "s", queries: quantiles("sms_http_request_seconds", fromCustomers) },
            {
                title: "Slowest 1 % by route",
                unit: "s",
                queries: {
                    "{{route}}": `histogram_quantile(0.99, sum by (le, route) (${rate("sms_http_request_seconds_bucket", fromCustomers)}))`,
                },
            },
        ],
        Messages: [
            {
                title: "Messages",
                unit: "ops",
                queries: { accepted: messages("accepted"), sent: messages("sent"), "given up": messages("failed") },
            },
            {
                title: "Messages that took another way",
                unit: "ops",
                description: "Not taken by Redis, queued again by resend_stuck, attempted again.",
                queries: { "not queued": messages("unqueued"), "queued again": messages("resent"), repeated: messages("retried") },
            },
            {
                title: "Messages overdue",
                unit: "short",
                description: "Due for longer than RESEND_AFTER_SECONDS, and taken by nobody.",
                queries: { overdue: `max(${series("sms_messages_overdue")})` },
            },
        ],
        Queues: [
            { title: "Tasks waiting", unit: "short", queries: { "{{queue}}": `max by (queue) (${series("sms_queue_length")})` } },
            {
                title: "Age of the oldest task",
                unit: "s",
                queries: { "{{queue}}": `max by (queue) (${series("sms_queue_oldest_seconds")})` },
            },
        ],
        Tasks: [
            {
                title: "Tasks ended",
                unit: "ops",
                queries: { "{{task}} {{outcome}}": `sum by (task, outcome) (${rate("sms_task_seconds_count")})` },
            },
            {
                title: "Time of a task, slowest 5 %",
                unit: "s",
                queries: { "{{task}}": `histogram_quantile(0.95, sum by (le, task) (${rate("sms_task_seconds_bucket")}))` },
            },
        ],
        Beat: [
            {
                title: "Since beat last ticked",
                unit: "s",
                queries: { "{{entry}}": `time() - max by (entry) (${series("sms_beat_last_tick_timestamp_seconds")})` },
            },
        ],
        Gateway: [
            { title: "Time of an attempt", unit: "s", queries: quantiles("sms_gateway_seconds") },
            {
                title: "Attempts at a time",
                unit: "short",
                description: "The workers' threads that wait for the gateway, on average; all of them are replicas × concurrency.",
                queries: { "at a time": `sum(${rate("sms_gateway_seconds_sum")})` },
            },
        ],
        Stores: [
            { title: "Stores that answer", unit: "short", queries: { "{{store}}": `max by (store) (${series("sms_store_up")})` } },
            {
                title: "Free on volumes",
                unit: "bytes",
                queries: { "{{persistentvolumeclaim}}": series("kubelet_volume_stats_available_bytes") },
            },
        ],
        Pods: [
            { title: "Pods that answer Prometheus", unit: "short", queries: { "{{job}}": `sum by (job) (${series("up")})` } },
            {
                title: "Cpu, cores",
                unit: "short",
                queries: { "{{pod}}": byPod((...matchers) => rate("container_cpu_usage_seconds_total", ...matchers)) },
            },
            {
                title: "Memory",
                unit: "bytes",
                queries: { "{{pod}}": byPod((...matchers) => series("container_memory_working_set_bytes", ...matchers)) },
            },
        ],
    };
}

/** The dashboard in Grafana's format. */
export function dashboard(namespace: string): object {
    const built = new DashboardBuilder(`sms (${namespace})`)
        .uid(`sms-${namespace}`)
        .tags(["sms"])
        .readonly()
        .refresh("30s")
        .time({ from: "now-3h", to: "now" })
        .tooltip(DashboardCursorSync.Crosshair)
        .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"));
    for (const [title, row] of Object.entries(panels(namespace))) {
        built.withRow(new RowBuilder(title));
        for (const panel of row) {
            built.withPanel(timeSeries(panel, 24 / row.length));
        }
    }
    return built.build();
}

const datasource = { type: "prometheus", uid: "$datasource" };

function timeSeries({ title, unit, description = "", queries }: Panel, width: number): PanelBuilder {
    const panel = new PanelBuilder()
        .title(title)
        .description(description)
        .datasource(datasource)
        .unit(unit)
        .min(0)
        .fillOpacity(10)
        .legend(new VizLegendOptionsBuilder().showLegend(true))
        .span(width)
        .height(8);
    for (const [index, [line, expr]] of Object.entries(queries).entries()) {
        panel.withTarget(new DataqueryBuilder().refId(`${"ABC"[index]}`).expr(expr).legendFormat(line).range());
    }
    return panel;
}
