/** The variables of the pods that a stack file may not set, and why. Tests hold them against app/sms/settings.py and components/. */

/** The variables that the program sets in its pods, and the settings they come from. */
export const programVariables = {
    ENV: "sms:environment",
    REDIS_URL: "sms:redis",
    MONGO_URL: "sms:mongo",
    WEB_PORT: "the Service",
    WEB_WORKERS: "sms:web.workers",
    WEB_THREADS: "sms:web.threads",
    WEB_GRACEFUL_TIMEOUT_SECONDS: "sms:web.gracefulTimeoutSeconds",
    MIGRATION_TIMEOUT_SECONDS: "sms:migration.timeoutSeconds",
    WORKER_THREADS: "sms:worker.concurrency",
    WORKER_QUEUES: "sms:worker.queues",
    SEND_LEASE_SECONDS: "sms:worker.sendLeaseSeconds",
    SEND_RETRY_MAX_SECONDS: "sms:worker.sendRetryMaxSeconds",
    VISIBILITY_TIMEOUT_SECONDS: "sms:worker.visibilityTimeoutSeconds",
};

/** Those whose defaults in app/sms/settings.py the pods rely on, and what relies on them. */
export const reliedOnVariables = {
    DRAIN_FILE: "web's preStop hook",
    READY_FILE: "the volume for temporary files",
    METRICS_DIR: "the volume for temporary files",
    LOG_DIR: "the volume for logs",
    WORKER_HEARTBEAT_FILE: "each probe of a worker",
    BEAT_HEARTBEAT_FILE: "each probe of beat",
    WORKER_METRICS_PORT: "the NetworkPolicy for Prometheus",
};

/** The app's others, which a stack file may set. */
export const freeVariables = [
    "LOG_LEVEL",
    "SMS_GATEWAY",
    "GATEWAY_TIMEOUT_SECONDS",
    "ALIYUN_ACCESS_KEY_ID",
    "ALIYUN_ACCESS_KEY_SECRET",
    "ALIYUN_SMS_SIGN_NAME",
    "ALIYUN_SMS_TEMPLATE_CODE",
    "ALIYUN_SMS_ENDPOINT",
    "MESSAGE_RETENTION_DAYS",
    "PURGE_SCHEDULE",
    "SEND_MAX_ATTEMPTS",
    "SEND_RETRY_BASE_SECONDS",
    "RESEND_AFTER_SECONDS",
    "RESEND_INTERVAL_SECONDS",
    "RESEND_BATCH",
    "WORKER_SOFT_SHUTDOWN_SECONDS",
];

/** What the image is made of reads these past the app. */
const pastTheApp = new Map([
    ["PATH", "the image's commands are found by this one"],
    ["PROMETHEUS_MULTIPROC_DIR", "the app itself sets this one"],
    ["BROKER_URL", "Celery takes it in place of sms:redis"],
    ["RESULT_BACKEND", "Celery takes it in place of sms:redis"],
    ["LOADER", "Celery takes it in place of the app's configuration"],
    ["CONFIG_MODULE", "Celery takes it in place of the app's configuration"],
]);

const reasons = new Map([
    ...Object.entries(programVariables).map(([name, from]) => [name, `the program itself sets this one, from ${from}`] as const),
    ...Object.entries(reliedOnVariables).map(([name, what]) => [name, `${what} relies on this one's default`] as const),
]);

/** Why a stack file may not set this variable in the pods, or undefined. */
export function takenVariable(name: string): string | undefined {
    const upper = name.toUpperCase();
    // The app reads its own in any case of letters.
    if (freeVariables.includes(upper) && name !== upper) {
        return `the app takes this one for ${upper}`;
    }
    return (
        reasons.get(upper) ??
        pastTheApp.get(name) ??
        (name.startsWith("CELERY_") ? "Celery takes it in place of the app's configuration" : undefined)
    );
}

/** The same for an argument of the image's build. */
export function takenArgument(name: string): string | undefined {
    return name === "BASE_IMAGE" ? "the program itself sets this one, from sms:image.baseImage" : undefined;
}
