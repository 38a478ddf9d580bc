/** The series of each alert: some on which it must fire, and similar ones on which it must not fire. */

/** Values by selector, in promtool's notation, one per minute. The selector has no namespace. */
export type Timeline = Record<string, string>;

export interface Case {
    /** The series by the name of the fault. The alert must fire at `minutes`. */
    fires: Record<string, Timeline>;
    quiet: Record<string, Timeline>;
    minutes: number;
}

const perMinute = (count: number) => `0+${count}x60`;
const stays = (value: number) => `${value}x60`;

const request = (status: number, route = "/messages") => `sms_http_requests_total{pod="web-1",route="${route}",status="${status}"}`;
const answered = (ok: number, failed: number): Timeline => ({ [request(202)]: perMinute(ok), [request(500)]: perMinute(failed) });

/** The buckets of a histogram: counts per minute, by upper bound. */
const histogram = (metric: string, counts: Record<string, number>): Timeline =>
    Object.fromEntries(Object.entries(counts).map(([le, count]) => [metric.replace(/\}$/, `,le="${le}"}`), perMinute(count)]));
const requestSeconds = (counts: Record<string, number>) =>
    histogram('sms_http_request_seconds_bucket{pod="web-1",route="/messages"}', counts);
const gatewaySeconds = (counts: Record<string, number>) => histogram('sms_gateway_seconds_bucket{pod="worker-1"}', counts);

const ended = (counts: Partial<Record<"sent" | "failed" | "retried", number>>): Timeline =>
    Object.fromEntries(
        Object.entries({ sent: 0, failed: 0, retried: 0, ...counts }).map(([end, count]) => [
            `sms_messages_${end}_total{pod="worker-1"}`,
            perMinute(count),
        ]),
    );
const tasks = (outcome: string, count: number): Timeline => ({
    [`sms_task_seconds_count{pod="worker-1",task="sms.tasks.send_message",outcome="${outcome}"}`]: perMinute(count),
});

const tick = (entry: string) => `sms_beat_last_tick_timestamp_seconds{pod="web-1",entry="${entry}"}`;
/** A tick that is always one minute old. A test of promtool begins at the epoch. */
const ticking = "-60+60x1700";

const queue = (metric: string, pod = "web-1") => `${metric}{pod="${pod}",queue="sms"}`;
const day = (what: string) => `sms_messages_day_${what}{pod="web-1"}`;
const volume = (part: string) => `kubelet_volume_stats_${part}_bytes{persistentvolumeclaim="data-mongo-0"}`;
const progressing = 'kube_deployment_status_condition{deployment="sms-web",condition="Progressing",status="false"}';
const crashing = 'kube_pod_container_status_waiting_reason{pod="web-1",container="sms-web",reason="CrashLoopBackOff"}';

export const workers = ["sms-worker", "sms-worker-bulk"];

export const cases: Record<string, Case> = {
    SmsWebNotReady: {
        minutes: 10,
        fires: {
            "no pod passes its probe any more": { [request(200, "/readyz")]: "0+12x5 60x30", [request(503, "/readyz")]: "0x5 0+12x30" },
            "no pod is there": {},
        },
        quiet: {
            "one pod drains, another is ready": { [request(200, "/readyz")]: perMinute(12), [request(503, "/readyz")]: perMinute(12) },
        },
    },
    SmsStoreDown: {
        minutes: 10,
        fires: {
            "MongoDB answers nobody": {
                'sms_store_up{pod="web-1",store="mongo"}': stays(0),
                'sms_store_up{pod="web-2",store="mongo"}': stays(0),
                'sms_store_up{pod="web-1",store="redis"}': stays(1),
            },
        },
        quiet: {
            "it answers one of two": {
                'sms_store_up{pod="web-1",store="mongo"}': stays(0),
                'sms_store_up{pod="web-2",store="mongo"}': stays(1),
            },
        },
    },
    SmsWebAbsent: {
        minutes: 10,
        fires: {
            "no pod answers": { 'up{job="sms-web",pod="web-1"}': stays(0) },
            "Prometheus knows of no pod": { 'up{job="sms-worker",pod="worker-1"}': stays(1) },
        },
        quiet: { "one of two answers": { 'up{job="sms-web",pod="web-1"}': stays(0), 'up{job="sms-web",pod="web-2"}': stays(1) } },
    },
    SmsWebErrors: {
        minutes: 10,
        fires: { "1 request in 10 fails": answered(90, 10) },
        quiet: {
            "3 requests in 100 fail": answered(97, 3),
            "a few fail among very few": answered(1, 0.5),
            "only probes are told 503": { ...answered(100, 0), [request(503, "/readyz")]: perMinute(24) },
        },
    },
    SmsWebSlow: {
        minutes: 15,
        fires: { "3 requests in 100 take more than a second": requestSeconds({ 0.5: 90, 1: 97, 2.5: 100, "+Inf": 100 }) },
        quiet: { "all are answered within half a second": requestSeconds({ 0.25: 90, 0.5: 100, 1: 100, "+Inf": 100 }) },
    },
    SmsTargetDown: {
        minutes: 10,
        fires: { "one of two doesn't answer": { 'up{job="sms-web",pod="web-1"}': stays(1), 'up{job="sms-web",pod="web-2"}': stays(0) } },
        quiet: { "somebody else's doesn't": { 'up{job="sms-web",pod="web-1"}': stays(1), 'up{job="exporter",pod="e-1"}': stays(0) } },
    },
    SmsMessagesOverdue: {
        minutes: 15,
        fires: { "messages stay overdue": { 'sms_messages_overdue{pod="web-1"}': stays(3) } },
        quiet: {
            "none is": { 'sms_messages_overdue{pod="web-1"}': stays(0) },
            "the next resend_stuck finds them": { 'sms_messages_overdue{pod="web-1"}': "0x8 3 3 0x30" },
        },
    },
    SmsMessagesUnqueued: {
        minutes: 15,
        fires: { "Redis refuses message after message": { 'sms_messages_unqueued_total{pod="web-1"}': perMinute(1) } },
        quiet: { "it did, once": { 'sms_messages_unqueued_total{pod="web-1"}': stays(5) } },
    },
    SmsDailyLimitNear: {
        minutes: 5,
        fires: { "85 of 100 are taken": { [day("taken")]: stays(85), [day("limit")]: stays(100) } },
        quiet: {
            "75 are": { [day("taken")]: stays(75), [day("limit")]: stays(100) },
            "the limit is reached, which is another alert": { [day("taken")]: stays(100), [day("limit")]: stays(100) },
        },
    },
    SmsDailyLimitReached: {
        minutes: 5,
        fires: { "more than 100 of 100 were asked for": { [day("taken")]: stays(104), [day("limit")]: stays(100) } },
        quiet: {
            "99 were": { [day("taken")]: stays(99), [day("limit")]: stays(100) },
            "a new day has begun": { [day("taken")]: "100x3 0x30", [day("limit")]: stays(100) },
        },
    },
    SmsMessagesFailed: {
        minutes: 25,
        fires: { "1 message in 10 is given up": ended({ sent: 27, failed: 3 }) },
        quiet: {
            "3 in 100 are": ended({ sent: 97, failed: 3 }),
            "a few are among very few": ended({ sent: 1, failed: 0.3 }),
        },
    },
    SmsGatewayFailing: {
        minutes: 25,
        fires: { "3 attempts in 10 fail": ended({ sent: 70, retried: 30 }) },
        quiet: { "1 in 10 does": ended({ sent: 90, retried: 10 }) },
    },
    SmsGatewaySlow: {
        minutes: 25,
        fires: { "1 attempt in 10 takes over 5 s": gatewaySeconds({ 2.5: 90, 5: 90, 10: 100, "+Inf": 100 }) },
        quiet: { "all take less than 2.5 s": gatewaySeconds({ 1: 80, 2.5: 100, 5: 100, "+Inf": 100 }) },
    },
    SmsQueueOld: {
        minutes: 10,
        fires: { "a task waits for 400 s": { [queue("sms_queue_oldest_seconds")]: stays(400) } },
        quiet: { "none waits for more than 100 s": { [queue("sms_queue_oldest_seconds")]: stays(100) } },
    },
    SmsQueueGrowing: {
        minutes: 40,
        fires: {
            "it grows, also across a rollout of the pods that tell": {
                [queue("sms_queue_length", "web-1")]: "0+100x30",
                [queue("sms_queue_length", "web-2")]: "_x29 3000+100x30",
            },
        },
        quiet: {
            "it shrinks": { [queue("sms_queue_length")]: "9000-100x60" },
            "it grows, and is short": { [queue("sms_queue_length")]: "0+20x60" },
        },
    },
    SmsWorkerAbsent: {
        minutes: 10,
        fires: {
            "one pool is gone": { 'up{job="sms-worker",pod="worker-1"}': stays(1) },
            "the other is": { 'up{job="sms-worker-bulk",pod="bulk-1"}': stays(1), 'up{job="sms-worker",pod="worker-1"}': stays(0) },
        },
        quiet: { "each has one": { 'up{job="sms-worker",pod="worker-1"}': stays(1), 'up{job="sms-worker-bulk",pod="bulk-1"}': stays(1) } },
    },
    SmsTasksFailing: {
        minutes: 25,
        fires: { "1 run in 10 fails": { ...tasks("succeeded", 90), ...tasks("failed", 10) } },
        quiet: {
            "3 in 100 do": { ...tasks("succeeded", 97), ...tasks("failed", 3) },
            "half are repeated": { ...tasks("succeeded", 50), ...tasks("retried", 50), ...tasks("failed", 0) },
        },
    },
    SmsBeatLate: {
        minutes: 27 * 60,
        fires: {
            "resend_stuck was last queued ten minutes ago": { [tick("resend_stuck")]: `-600+60x1700`, [tick("purge_expired")]: ticking },
            "purge_expired was last queued a day and three hours ago": {
                [tick("resend_stuck")]: ticking,
                [tick("purge_expired")]: "0x1700",
            },
            "it never ticked": {},
        },
        quiet: {
            "both were in time": { [tick("resend_stuck")]: ticking, [tick("purge_expired")]: `${4 * 3600}x1700` },
            "another entry is new": { [tick("resend_stuck")]: ticking },
        },
    },
    SmsMetricsAbsent: {
        minutes: 15,
        fires: {
            "the queues' lengths are missing": { 'sms_messages_overdue{pod="web-1"}': stays(0) },
            "what is overdue is": { [queue("sms_queue_length")]: stays(0) },
        },
        quiet: { "both are told": { 'sms_messages_overdue{pod="web-1"}': stays(0), [queue("sms_queue_length")]: stays(0) } },
    },
    SmsRolloutStuck: {
        minutes: 10,
        fires: { "its deadline has passed": { [progressing]: stays(1) } },
        quiet: { "it gets on": { [progressing]: stays(0) } },
    },
    SmsPodCrashing: {
        minutes: 20,
        fires: { "it waits, starts and waits again": { [crashing]: "0 1 0 1x3 0 1x50" } },
        quiet: { "it did once": { [crashing]: "0 1 1 0x50" } },
    },
    SmsVolumeFilling: {
        minutes: 30,
        fires: { "a twentieth is left": { [volume("available")]: stays(5), [volume("capacity")]: stays(100) } },
        quiet: { "half is left": { [volume("available")]: stays(50), [volume("capacity")]: stays(100) } },
    },
};
