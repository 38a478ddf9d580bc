"""The Celery app, for `celery --app sms.celery worker` and `… beat`. Redis is its broker only, not a result store."""

import ssl
import time
from datetime import datetime
from typing import Any

from celery import Celery, bootsteps, signals, states
from celery.schedules import crontab
from celery.utils.timer2 import Timer

from sms import logs, metrics
from sms.names import limit_lookups
from sms.settings import Settings, settings

HEARTBEAT_SECONDS = 5


def configuration(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        # Set for every rediss:// URL: by default kombu doesn't verify the certificate.
        "broker_use_ssl": (
            {"ssl_cert_reqs": ssl.CERT_REQUIRED}
            if settings.redis_url.get_secret_value().startswith("rediss://")
            else None
        ),
        "broker_transport_options": {
            "visibility_timeout": settings.visibility_timeout_seconds,
            # A managed Redis drops idle connections silently. The check detects that, and keepalive prevents it.
            "health_check_interval": 25,
            "socket_keepalive": True,
            # These time-outs also limit a publish to 2 s. A worker's blocking pop takes 1 s, which must fit.
            "socket_connect_timeout": 1,
            "socket_timeout": 2,
        },
        # A stale connection is replaced even without retries. resend_stuck queues everything else again.
        "task_publish_retry_policy": {"max_retries": 0},
        # All threads can queue a retry at the same time without waiting for a connection.
        "broker_pool_limit": settings.worker_threads,
        # Workers wait for the broker without a time limit, also when they start.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": "sms",
        # Maintenance tasks have their own queue, so they don't wait behind many messages.
        "task_routes": {
            "sms.tasks.resend_stuck": {"queue": "sms-maintenance"},
            "sms.tasks.purge_expired": {"queue": "sms-maintenance"},
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        # Sending is idempotent, so a delivery is acknowledged only after its task has ended.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # A thread can't be cancelled. If the broker connection breaks, the task continues.
        # Its second delivery finds no message to claim.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_pool": "sms.pool:TaskPool",
        "worker_concurrency": settings.worker_threads,
        "worker_soft_shutdown_timeout": settings.worker_soft_shutdown_seconds,
        "worker_redirect_stdouts": False,
        "beat_scheduler": "sms.beat:TickScheduler",
        "beat_max_loop_interval": HEARTBEAT_SECONDS,
        "beat_schedule": {
            "resend_stuck": {
                "task": "sms.tasks.resend_stuck",
                "schedule": settings.resend_interval_seconds,
                # After an hour without workers, only the latest of the queued tasks still runs.
                "options": {"expires": settings.resend_interval_seconds},
            },
            "purge_expired": {
                "task": "sms.tasks.purge_expired",
                "schedule": crontab.from_string(settings.purge_schedule),
            },
        },
    }


class Heartbeat(bootsteps.Step):
    """Touches WORKER_HEARTBEAT_FILE every 5 s. The liveness probe checks the file's age.

    A separate thread does this. The worker's own timer stops while the broker is unavailable, and a restart
    would not repair the broker.
    """

    def __init__(self, worker: Any, **options: Any) -> None:
        touch = settings().worker_heartbeat_file.touch
        touch()
        Timer().call_repeatedly(HEARTBEAT_SECONDS, touch)


class MetricsServer(bootsteps.Step):
    """Serves this worker's `/metrics`. With the thread pool, a worker is a single process."""

    def __init__(self, worker: Any, **options: Any) -> None:
        metrics.serve(settings().metrics_port)


limit_lookups()
app = Celery("sms", include=["sms.tasks"])
app.conf.update(configuration(settings()))
app.steps["worker"].update({Heartbeat, MetricsServer})


@signals.setup_logging.connect
def keep_celery_from_setting_up_its_own(**_: Any) -> None:
    pass


@signals.celeryd_init.connect
def log_as_worker(**_: Any) -> None:
    logs.configure("worker", settings())


@signals.celeryd_after_setup.connect
def take_tasks_from_its_queues(**_: Any) -> None:
    app.amqp.queues.select([*settings().worker_queues])


@signals.before_task_publish.connect
def say_since_when_it_waits(headers: dict[str, Any], **_: Any) -> None:
    # A retry is queued before it is due. Its waiting time starts when it is due.
    eta = headers.get("eta")
    headers["waiting_since"] = datetime.fromisoformat(eta).timestamp() if eta else time.time()


@signals.task_prerun.connect
def start_clock(task: Any, **_: Any) -> None:
    task.request.started = time.perf_counter()


@signals.task_postrun.connect
def count_task(task: Any, state: str, **_: Any) -> None:
    outcome = {states.SUCCESS: "succeeded", states.RETRY: "retried"}.get(state, "failed")
    metrics.task_seconds.labels(task.name, outcome).observe(time.perf_counter() - task.request.started)


@signals.beat_init.connect
def log_as_beat(**_: Any) -> None:
    logs.configure("beat", settings())
