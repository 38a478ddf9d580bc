"""`celery --app sms.celery worker` and `… beat`: processes notes, and stores the time of each tick of beat."""

import os
from datetime import UTC, datetime

from celery import Celery, signals

from sms.notes import BEAT_HEARTBEAT, WORKER_HEARTBEAT, database, keep_touching, log_as

app = Celery("notes", broker=os.environ["REDIS_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": int(os.environ["VISIBILITY_TIMEOUT_SECONDS"])},
    task_default_queue="sms",
    task_routes={"sms.celery.tick": {"queue": "sms-maintenance"}},
    task_ignore_result=True,
    task_acks_late=True,
    worker_pool="threads",
    worker_concurrency=int(os.environ.get("WORKER_THREADS", "1")),
    # The schedule is kept in memory, because beat has no volume for a file.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={"tick": {"task": "sms.celery.tick", "schedule": 3}},
)


@app.task
def process(id: str) -> None:
    database().notes.update_one({"_id": id}, {"$set": {"processed": True}})


@app.task
def tick() -> None:
    database().ticks.insert_one({"at": datetime.now(UTC)})


@signals.setup_logging.connect
def keep_celery_from_setting_up_its_own(**_) -> None:
    pass


@signals.celeryd_after_setup.connect
def take_tasks_from_its_queues(**_) -> None:
    app.amqp.queues.select(os.environ["WORKER_QUEUES"].split(","))


@signals.worker_init.connect
def begin_as_worker(**_) -> None:
    log_as("worker")
    keep_touching(WORKER_HEARTBEAT)


@signals.beat_init.connect
def begin_as_beat(**_) -> None:
    log_as("beat")
    keep_touching(BEAT_HEARTBEAT)
