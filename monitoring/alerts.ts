/** The alerts, with the first steps for the person on call. docs/on-call.md has a section for each alert, by its name. */
import { fromCustomers, type Series, seriesIn } from "./series";

export interface AlertsArgs {
    /** The product's namespace. Several stacks may share a Prometheus. */
    namespace: string;
    /** The pools of workers, by the `app` label of their pods, which is the `job` of their series. */
    workers: readonly string[];
    /** The URL of docs/on-call.md. */
    onCallUrl: string;
}

interface Alert {
    /** `critical`: customers notice it, so wake somebody. `warning`: look at it today. */
    severity: "critical" | "warning";
    expr: string;
    /** How long the condition must hold. */
    for: string;
    summary: string;
    /** The first steps. */
    description: string;
}

type Alerts = Record<string, Alert>;

export interface Rule {
    alert: string;
    expr: string;
    for: string;
    labels: { severity: string; namespace: string };
    annotations: { summary: string; description: string; runbook_url: string };
}

export interface RuleGroup {
    name: string;
    rules: Rule[];
}

/** The `groups` of a PrometheusRule or of a rules file. */
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
            // Most expressions aggregate over all pods, so their results have no labels that show which stack the alert is about.
            labels: { severity, namespace },
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
            description: "Run kubectl describe on a web pod. If the pod runs but isn't ready, its log names the store that doesn't answer.",
        },
        SmsStoreDown: {
            severity: "critical",
            expr: `max by (store) (${series("sms_store_up")}) == 0`,
            for: "1m",
            summary: "{{ $labels.store }} answers no web pod",
            description:
                "Look at the store's console or pod. Without mongo, requests get 503. Without redis, messages are stored and wait.",
        },
        SmsWebAbsent: {
            severity: "critical",
            expr: `absent(${series("up", 'job="sms-web"')} == 1)`,
            for: "2m",
            summary: "Prometheus reads no web pod: there is none, or Prometheus doesn't find it",
            description: "Request /healthz. If it answers, only the monitoring fails: check Prometheus' targets and the PodMonitor.",
        },
        SmsWebErrors: {
            severity: "critical",
            expr: `sum(rate(${errors}[5m])) / sum(rate(${requests}[5m])) > 0.05 and sum(increase(${errors}[5m])) > 5`,
            for: "2m",
            summary: "{{ $value | humanizePercentage }} of the requests end with a 5xx",
            description: "Read web's error lines. If the errors began with a rollout, roll back: npm run rollback.",
        },
        SmsWebSlow: {
            severity: "warning",
            expr: `histogram_quantile(0.99, sum by (le) (rate(${seconds}[5m]))) > 1`,
            for: "5m",
            summary: "1 request in 100 takes longer than {{ $value | humanizeDuration }}",
            description:
                "Compare web's cpu with its limit, and the stores' response times. More pods help if cpu is the limit, not if a store is slow.",
        },
        SmsTargetDown: {
            severity: "warning",
            expr: `${series("up", 'job=~"sms-.+"')} == 0`,
            for: "5m",
            summary: "{{ $labels.pod }} doesn't answer Prometheus",
            description: "kubectl describe shows whether the pod restarts. kubectl top shows whether it is at its cpu limit.",
        },
    };
}

function messages(series: Series): Alerts {
    const [sent, failed, retried] = ["sent", "failed", "retried"].map((end) => `sum(rate(${series(`sms_messages_${end}_total`)}[10m]))`);
    const givenUp = series("sms_messages_failed_total");
    const [taken, limit] = ["taken", "limit"].map((what) => `max(${series(`sms_messages_day_${what}`)})`);
    const length = `max by (queue) (${series("sms_queue_length")})`;
    const lengthBefore = `max by (queue) (${series("sms_queue_length")} offset 10m)`;
    return {
        SmsMessagesOverdue: {
            severity: "critical",
            expr: `max(${series("sms_messages_overdue")}) > 0`,
            for: "10m",
            summary: "{{ $value }} messages are due and no worker takes them",
            description: "They are stored and will be sent. Check in this order: does beat tick, do workers run, does Redis accept tasks?",
        },
        SmsMessagesUnqueued: {
            severity: "warning",
            expr: `sum(increase(${series("sms_messages_unqueued_total")}[5m])) > 0`,
            for: "5m",
            summary: "Redis doesn't accept messages; they are stored and wait for it",
            description: "Nothing is lost: resend_stuck queues them. Find out why Redis refuses them: memory, password, network.",
        },
        SmsDailyLimitNear: {
            severity: "warning",
            expr: `${taken} / ${limit} > 0.8 and ${taken} < ${limit}`,
            for: "1m",
            summary: "{{ $value | humanizePercentage }} of today's limit for all clients together is used",
            description: "Check whether one client sends too much: web's log lines name the clients. The limit is sms:messagesPerDay.",
        },
        SmsDailyLimitReached: {
            severity: "critical",
            expr: `${taken} / ${limit} >= 1`,
            for: "1m",
            summary: "All clients together have reached the limit of a day: each further message is refused",
            description:
                "If one client sends too much, revoke its token. If the load is expected, raise sms:messagesPerDay. It ends at midnight, UTC.",
        },
        SmsMessagesFailed: {
            severity: "warning",
            expr: `${failed} / (${sent} + ${failed}) > 0.05 and sum(increase(${givenUp}[10m])) > 5`,
            for: "10m",
            summary: "{{ $value | humanizePercentage }} of the messages are given up",
            description:
                "The workers' lines with the message `failed` name the gateway's code. Codes with isv. are faults of the request, not of the gateway.",
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
            description: "Watch the queues: slow attempts occupy the workers' threads. More threads help (sms:worker.concurrency).",
        },
        SmsQueueOld: {
            severity: "critical",
            expr: `max by (queue) (${series("sms_queue_oldest_seconds")}) > 300`,
            for: "2m",
            summary: "The oldest task in {{ $labels.queue }} has waited for {{ $value | humanizeDuration }}",
            description: "Check whether the workers of this queue take tasks. If they do and are busy, add workers: sms:worker.replicas.",
        },
        SmsQueueGrowing: {
            severity: "warning",
            expr: `${length} > 1000 and ${length} > ${lengthBefore}`,
            for: "10m",
            summary: "{{ $labels.queue }} has {{ $value }} waiting tasks, and the number grows",
            description: "More tasks arrive than end. Compare accepted with sent. Then add workers, or find the reason why they are slow.",
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
            summary: "Prometheus reads no pod of {{ $labels.job }}: its queues wait",
            description: "kubectl get pods shows whether they exist and whether they restart. Messages are stored, nothing is lost.",
        },
        SmsTasksFailing: {
            severity: "warning",
            expr: `${tasks('outcome="failed"')} / ${tasks()} > 0.05`,
            for: "10m",
            summary: "{{ $value | humanizePercentage }} of the runs of {{ $labels.task }} fail",
            description: "A failed task is an unexpected exception. The workers' error lines have its traceback.",
        },
    };
}

/** The longest time without a tick, for each entry of beat's default schedule in the app. */
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
                "Read beat's log: does the pod run, does Redis answer it? Until beat ticks, tasks that the broker loses are not queued again.",
        },
        SmsMetricsAbsent: {
            severity: "warning",
            expr: ["sms_queue_length", "sms_messages_overdue"].map((metric) => `absent(${series(metric)})`).join(" or "),
            for: "10m",
            summary: "Web doesn't report the queues' lengths or the overdue messages: other alerts can't fire",
            description:
                "Web requests these numbers from Redis and MongoDB at each scrape. One of the stores doesn't answer within a second.",
        },
    };
}

/** From kube-state-metrics and the kubelet. Without them these alerts never fire. */
function cluster(series: Series): Alerts {
    const free = `${series("kubelet_volume_stats_available_bytes")} / ${series("kubelet_volume_stats_capacity_bytes")}`;
    return {
        SmsRolloutStuck: {
            severity: "warning",
            expr: `${series("kube_deployment_status_condition", 'condition="Progressing"', 'status="false"')} == 1`,
            for: "1m",
            summary: "The rollout of {{ $labels.deployment }} makes no progress; the old pods still serve",
            description: "Run kubectl describe on the newest pod. Repair the cause and run `up` again, or npm run rollback.",
        },
        SmsPodCrashing: {
            severity: "warning",
            expr: `max_over_time(${series("kube_pod_container_status_waiting_reason", 'reason="CrashLoopBackOff"')}[5m]) == 1`,
            for: "5m",
            summary: "{{ $labels.container }} of {{ $labels.pod }} crashes repeatedly",
            description: "kubectl describe pod shows its last state, with the reason and its last lines.",
        },
        SmsVolumeFilling: {
            severity: "critical",
            expr: `${free} < 0.1`,
            for: "15m",
            summary: "{{ $value | humanizePercentage }} of the volume {{ $labels.persistentvolumeclaim }} is free",
            description: "A full store accepts no messages. Enlarge the volume (kubectl edit pvc) if its StorageClass allows it.",
        },
    };
}
