/** Celery's queues. A test compares this list with app/sms. */
export const queues = ["sms", "sms-maintenance"] as const;
