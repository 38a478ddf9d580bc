/** The pods' variables that a stack file may not set, and why. Tests compare them with app/sms/settings.py and components/. */

/** The variables that the program sets in its pods, and the settings they come from. */
export const programVariables = {
    ENV: "sms:environment",
    REDIS_URL: "sms:redis",
    MONGO_URL: "sms:mongo",
    CLIENTS: "sms:clients",
    CLIENT_TOKENS: "sms:clientTokens",
    OPEN_TO_ANYBODY: "sms:openToAnybody",
    FORMER_CLIENT: "sms:formerClient",
    MESSAGES_PER_DAY: "sms:messagesPerDay",
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

/** The variables whose defaults in app/sms/settings.py the pods rely on, and the parts that rely on them. */
export const reliedOnVariables = {
    DRAIN_FILE: "web's preStop hook",
    READY_FILE: "the volume for temporary files",
    METRICS_DIR: "the volume for temporary files",
    LOG_DIR: "the volume for logs",
    WORKER_HEARTBEAT_FILE: "each probe of a worker",
    BEAT_HEARTBEAT_FILE: "each probe of beat",
    METRICS_PORT: "the NetworkPolicy for Prometheus",
};

/** The values that the app accepts for a variable. An empty value counts as not set. */
export interface VariableForm {
    readonly words: string;
    readonly pattern: RegExp;
    readonly example: string;
}

const wholeFrom0: VariableForm = { words: "a whole number from 0", pattern: /^\d{0,9}$/, example: "30" };
const wholeFrom1: VariableForm = { words: "a whole number from 1", pattern: /^(0*[1-9]\d{0,8})?$/, example: "60" };
const above0: VariableForm = { words: "a number above 0", pattern: /^((?=.*[1-9])\d{1,9}(\.\d+)?)?$/, example: "10" };
const anyText: VariableForm = { words: "a text", pattern: /^/, example: "" };

function choice(...names: string[]): VariableForm {
    return { words: names.join(" or "), pattern: new RegExp(`^(${names.join("|")})?$`), example: String(names[0]) };
}

/** The app's other variables, which a stack file may set. */
export const freeVariables: Readonly<Record<string, VariableForm>> = {
    LOG_LEVEL: choice("DEBUG", "INFO", "WARNING", "ERROR"),
    SMS_GATEWAY: choice("log", "aliyun"),
    GATEWAY_TIMEOUT_SECONDS: above0,
    ALIYUN_ACCESS_KEY_ID: anyText,
    ALIYUN_ACCESS_KEY_SECRET: anyText,
    ALIYUN_SMS_SIGN_NAME: anyText,
    ALIYUN_SMS_TEMPLATE_CODE: anyText,
    // An address: see address.ts.
    ALIYUN_SMS_ENDPOINT: anyText,
    MESSAGE_RETENTION_DAYS: wholeFrom0,
    PURGE_SCHEDULE: { words: "a crontab line of five fields, in UTC", pattern: /^(\S+( +\S+){4})?$/, example: "0 4 * * *" },
    SEND_MAX_ATTEMPTS: wholeFrom1,
    SEND_RETRY_BASE_SECONDS: wholeFrom0,
    RESEND_AFTER_SECONDS: wholeFrom1,
    RESEND_INTERVAL_SECONDS: above0,
    RESEND_BATCH: wholeFrom1,
    WORKER_SOFT_SHUTDOWN_SECONDS: wholeFrom0,
};

/** Variables that libraries and tools in the image read, and the app doesn't. */
const pastTheApp = new Map([
    ["PATH", "the image finds its commands by this one"],
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
    // The app ignores upper and lower case in the names of its variables.
    if (Object.hasOwn(freeVariables, upper) && name !== upper) {
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
