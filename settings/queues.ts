/** Celery's queues: those of app/sms, which a test holds this list against. */
export const queues = ["sms", "sms-maintenance"] as const;
