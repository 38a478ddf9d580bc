/** When to call somebody, and what they read first. docs/on-call.md has a section for each, by the alert's name. */
import { fromCustomers, type Series, seriesIn } from "./series";

export interface AlertsArgs {
    /** Where the product is; several stacks may share a Prometheus. */
    namespace: string;
    /** The pools of workers, by the `app` label of their pods, which is the `job` of their series. */
    workers: readonly string[];
    /** Where docs/on-call.md can be read. */
    onCallUrl: string;
}

interface Alert {
    /** `critical`: customers notice, wake somebody. `warning`: have a look today. */
    severity: "critical" | "warning";
    expr: string;
    /** How long it has to be so. */
    for: string;
    summary: string;
    /** What to do first. */
    description: string;
}

type Alerts = Record<string, Alert>;

export interface Rule {
    alert: string;
    expr: string;
    for: string;
    labels: { severity: string };
    annotations: { summary: string; description: string; runbook_url: string };
}

export interface RuleGroup {
    name: string;
    rules: Rule[];
}

/** As a PrometheusRule's `groups`, or a rules file's. */
export function alertRules({ namespace, workers, onCallUrl }: AlertsArgs): RuleGroup[] {
    const series = seriesIn(namespace);
    const groups = {
        web: web(series),
        messages: messages(series),
        workers: celery(series, workers),
        beat: beat(series),
        cluster: cluster(series),
    };
    return Object.entries(groups).map(([name, alerts]) => ({
        name: `sms-${name}`,
        rules: Object.entries(alerts).map(([alert, { severity, expr, summary, description, ...rest }]) => ({
            alert,
            expr,
            for: rest.for,
            labels: { severity },
            annotations: { summary, description, runbook_url: `${onCallUrl}#${alert.toLowerCase()}` },
        })),
    }));
}

function web(series: Series): Alerts {
    const requests = series("sms_http_requests_total", fromCustomers);
    const errors = series("sms_http_requests_total", fromCustomers, 'status=~"5.."');
    const ready = series("sms_http_requests_total", 'route="/readyz"', 'status="200"');
    const seconds = series("sms_http_request_seconds_bucket", fromCustomers);
    return {
        SmsWebNotReady: {
            severity: "critical",
            expr: `(sum(rate(${ready}[2m])) or vector(0)) == 0`,
            for: "1m",
            summary: "No web pod is ready: every request is refused",
            description: "kubectl describe a web pod. One that runs and isn't ready names, at /readyz, the store that hasn't answered it.",
        },
        SmsStoreDown: {
            severity: "critical",
            expr: `max by (store) (${series("sms_store_up")}) == 0`,
            for: "1m",
            summary: "{{ $labels.store }} answers no web pod",
            description: "Its console, or its pod. Without mongo requests get 503; without redis messages are stored and wait.",
        },
        SmsWebAbsent: {
            severity: "critical",
            expr: `absent(${series("up", 'job="sms-web"')} == 1)`,
            for: "2m",
            summary: "No web pod can be read: none is there, or Prometheus doesn't see them",
            description:
                "Request /healthz. If it answers, only the monitoring is blind: look at Prometheus' targets and at the PodMonitor.",
        },
        SmsWebErrors: {
            severity: "critical",
            expr: `sum(rate(${errors}[5m])) / sum(rate(${requests}[5m])) > 0.05 and sum(increase(${errors}[5m])) > 5`,
            for: "2m",
            summary: "{{ $value | humanizePercentage }} of the requests end with a 5xx",
            description: "Read the web's error lines. If it began with a rollout, go back: npm run rollback.",
        },
        SmsWebSlow: {
            severity: "warning",
            expr: `histogram_quantile(0.99, sum by (le) (rate(${seconds}[5m]))) > 1`,
            for: "5m",
            summary: "1 request in 100 takes longer than {{ $value | humanizeDuration }}",
            description:
                "Compare the web's cpu with its limit and the stores' answer times. More pods help against cpu, not against slow stores.",
        },
        SmsTargetDown: {
            severity: "warning",
            expr: `${series("up", 'job=~"sms-.+"')} == 0`,
            for: "5m",
            summary: "{{ $labels.pod }} doesn't answer Prometheus",
            description: "Look at the pod: kubectl describe tells whether it restarts, kubectl top whether it is at its cpu limit.",
        },
    };
}

function messages(series: Series): Alerts {
    const [sent, failed, retried] = ["sent", "failed", "retried"].map((end) => `sum(rate(${series(`sms_messages_${end}_total`)}[10m]))`);
    const givenUp = series("sms_messages_failed_total");
    const length = `max by (queue) (${series("sms_queue_length")})`;
    const lengthBefore = `max by (queue) (${series("sms_queue_length")} offset 10m)`;
    return {
        SmsMessagesOverdue: {
            severity: "critical",
            expr: `max(${series("sms_messages_overdue")}) > 0`,
            for: "10m",
            summary: "{{ $value }} messages are due and nobody takes them",
            description:
                "They are stored and will be sent. See whether beat ticks, whether workers are there and whether Redis takes tasks, in this order.",
        },
        SmsMessagesUnqueued: {
            severity: "warning",
            expr: `sum(increase(${series("sms_messages_unqueued_total")}[5m])) > 0`,
            for: "5m",
            summary: "Redis doesn't take messages; they are stored and wait for it",
            description: "Nothing is lost: resend_stuck queues them. Find out why Redis refuses: memory, password, network.",
        },
        SmsMessagesFailed: {
            severity: "warning",
            expr: `${failed} / (${sent} + ${failed}) > 0.05 and sum(increase(${givenUp}[10m])) > 5`,
            for: "10m",
            summary: "{{ $value | humanizePercentage }} of the messages are given up",
            description:
                "The workers' lines with the message `failed` name the gateway's code. Codes with isv. are of the request, not of the gateway.",
        },
        SmsGatewayFailing: {
            severity: "critical",
            expr: `${retried} / (${sent} + ${failed} + ${retried}) > 0.2`,
            for: "10m",
            summary: "{{ $value | humanizePercentage }} of the attempts at the SMS gateway fail",
            description:
                "The workers' lines with the message `to be retried` name the code. Look at the gateway's console: balance, limits, the access key.",
        },
        SmsGatewaySlow: {
            severity: "warning",
            expr: `histogram_quantile(0.95, sum by (le) (rate(${series("sms_gateway_seconds_bucket")}[10m]))) > 4`,
            for: "10m",
            summary: "1 attempt in 20 at the SMS gateway takes longer than {{ $value | humanizeDuration }}",
            description: "Watch the queues: slow attempts hold the workers' threads. More of them (sms:worker.concurrency) are a remedy.",
        },
        SmsQueueOld: {
            severity: "critical",
            expr: `max by (queue) (${series("sms_queue_oldest_seconds")}) > 300`,
            for: "2m",
            summary: "The oldest task in {{ $labels.queue }} waits for {{ $value | humanizeDuration }}",
            description: "Do the workers of this queue take tasks? If they do and are busy, add workers: sms:worker.replicas.",
        },
        SmsQueueGrowing: {
            severity: "warning",
            expr: `${length} > 1000 and ${length} > ${lengthBefore}`,
            for: "10m",
            summary: "{{ $labels.queue }} has {{ $value }} tasks waiting, and more and more",
            description: "More comes in than goes out. Compare accepted with sent; then add workers, or find what slows them.",
        },
    };
}

function celery(series: Series, workers: readonly string[]): Alerts {
    const tasks = (...matchers: string[]) => `sum by (task) (rate(${series("sms_task_seconds_count", ...matchers)}[10m]))`;
    return {
        SmsWorkerAbsent: {
            severity: "critical",
            expr: workers.map((worker) => `absent(${series("up", `job="${worker}"`)} == 1)`).join(" or "),
            for: "2m",
            summary: "No pod of {{ $labels.job }} can be read: its queues wait",
            description: "kubectl get pods: are they there, do they restart? Messages are stored, nothing is lost.",
        },
        SmsTasksFailing: {
            severity: "warning",
            expr: `${tasks('outcome="failed"')} / ${tasks()} > 0.05`,
            for: "10m",
            summary: "{{ $value | humanizePercentage }} of the runs of {{ $labels.task }} fail",
            description: "A failed task is an exception that nobody expected: the workers' error lines have its traceback.",
        },
    };
}

/** By the entries of beat's schedule, as the app has them by default: so long without a tick is too long. */
const lateAfterSeconds = { resend_stuck: 5 * 60, purge_expired: 26 * 3600 };

function beat(series: Series): Alerts {
    const tick = (entry: string) => series("sms_beat_last_tick_timestamp_seconds", `entry="${entry}"`);
    const late = Object.entries(lateAfterSeconds).map(([entry, seconds]) => `time() - max by (entry) (${tick(entry)}) > ${seconds}`);
    return {
        SmsBeatLate: {
            severity: "critical",
            expr: [...late, `absent(${tick("resend_stuck")})`].join(" or "),
            for: "2m",
            summary: "Beat doesn't queue {{ $labels.entry }}",
            description:
                "kubectl logs of beat: is the pod there, does Redis answer it? Until it ticks, what the broker loses isn't found again.",
        },
        SmsMetricsAbsent: {
            severity: "warning",
            expr: ["sms_queue_length", "sms_messages_overdue"].map((metric) => `absent(${series(metric)})`).join(" or "),
            for: "10m",
            summary: "Web doesn't tell how long the queues are or what is overdue: other alerts are blind",
            description: "The web asks Redis and MongoDB for these when it is scraped: one of them doesn't answer within a second.",
        },
    };
}

/** From kube-state-metrics and the kubelet; without them these are silent. */
function cluster(series: Series): Alerts {
    const free = `${series("kubelet_volume_stats_available_bytes")} / ${series("kubelet_volume_stats_capacity_bytes")}`;
    return {
        SmsRolloutStuck: {
            severity: "warning",
            expr: `${series("kube_deployment_status_condition", 'condition="Progressing"', 'status="false"')} == 1`,
            for: "1m",
            summary: "The rollout of {{ $labels.deployment }} doesn't get on; the old pods go on serving",
            description: "kubectl describe the newest pod. Mend and `up` again, or npm run rollback.",
        },
        SmsPodCrashing: {
            severity: "warning",
            expr: `max_over_time(${series("kube_pod_container_status_waiting_reason", 'reason="CrashLoopBackOff"')}[5m]) == 1`,
            for: "5m",
            summary: "{{ $labels.container }} of {{ $labels.pod }} ends again and again",
            description: "kubectl describe pod: its last state has the reason and the last lines it wrote.",
        },
        SmsVolumeFilling: {
            severity: "critical",
            expr: `${free} < 0.1`,
            for: "15m",
            summary: "{{ $value | humanizePercentage }} of the volume {{ $labels.persistentvolumeclaim }} is left",
            description:
                "A store without room takes no messages. Make the volume bigger (kubectl edit pvc) where its StorageClass can do so.",
        },
    };
}
