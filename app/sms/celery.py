"""The Celery app, for `celery --app sms.celery worker` and `… beat`. Redis is its broker, nothing more."""

import ssl
import time
from datetime import datetime

from celery import Celery, bootsteps, signals, states
from celery.schedules import crontab
from celery.utils.timer2 import Timer
from prometheus_client import start_http_server

from sms import logs, metrics
from sms.names import limit_lookups
from sms.settings import Settings, settings

HEARTBEAT_SECONDS = 5


def configuration(settings: Settings) -> dict:
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        # Said with every rediss:// URL: by itself kombu doesn't check the certificate.
        "broker_use_ssl": (
            {"ssl_cert_reqs": ssl.CERT_REQUIRED}
            if settings.redis_url.get_secret_value().startswith("rediss://")
            else None
        ),
        "broker_transport_options": {
            "visibility_timeout": settings.visibility_timeout_seconds,
            # A managed Redis drops idle connections without a word: notice, and don't let it happen.
            "health_check_interval": 25,
            "socket_keepalive": True,
            # They bound a publish too: 2 s. A worker's blocking pop, 1 s, has to fit.
            "socket_connect_timeout": 1,
            "socket_timeout": 2,
        },
        # A connection that went stale is replaced even so; more is resend_stuck's part.
        "task_publish_retry_policy": {"max_retries": 0},
        # Every thread may queue its retry at once without waiting for a connection.
        "broker_pool_limit": settings.worker_threads,
        # Workers wait for the broker for ever, also when they start.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": "sms",
        # Of their own, so that no rush of messages keeps what looks after them waiting.
        "task_routes": {
            "sms.tasks.resend_stuck": {"queue": "sms-maintenance"},
            "sms.tasks.purge_expired": {"queue": "sms-maintenance"},
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        # Sending is idempotent, so a delivery counts as done only when the task is.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # A thread can't be cancelled. A task that lost the broker goes on; its second delivery finds
        # nothing to claim.
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
                # Without workers for an hour there is still only one round to make up for.
                "options": {"expires": settings.resend_interval_seconds},
            },
            "purge_expired": {
                "task": "sms.tasks.purge_expired",
                "schedule": crontab.from_string(settings.purge_schedule),
            },
        },
    }


class Heartbeat(bootsteps.Step):
    """Touches WORKER_HEARTBEAT_FILE every 5 s, for a liveness probe that looks at its age.

    From a thread of its own: the worker's own timer stands still while the broker is away, and a
    restart wouldn't bring that back.
    """

    def __init__(self, worker, **options):
        touch = settings().worker_heartbeat_file.touch
        touch()
        Timer().call_repeatedly(HEARTBEAT_SECONDS, touch)


class MetricsServer(bootsteps.Step):
    """Serves this worker's `/metrics`. With the threads pool the worker is one process, this one."""

    def __init__(self, worker, **options):
        if settings().worker_metrics_port:
            start_http_server(settings().worker_metrics_port)


limit_lookups()
app = Celery("sms", include=["sms.tasks"])
app.conf.update(configuration(settings()))
app.steps["worker"].update({Heartbeat, MetricsServer})


@signals.setup_logging.connect
def keep_celery_from_setting_up_its_own(**_):
    pass


@signals.celeryd_init.connect
def log_as_worker(**_):
    logs.configure("worker", settings())


@signals.celeryd_after_setup.connect
def take_tasks_from_its_queues(**_):
    app.amqp.queues.select(settings().worker_queues)


@signals.before_task_publish.connect
def say_since_when_it_waits(headers, **_):
    # A retry is queued before it is due.
    eta = headers.get("eta")
    headers["waiting_since"] = datetime.fromisoformat(eta).timestamp() if eta else time.time()


@signals.task_prerun.connect
def start_clock(task, **_):
    task.request.started = time.perf_counter()


@signals.task_postrun.connect
def count_task(task, state, **_):
    outcome = {states.SUCCESS: "succeeded", states.RETRY: "retried"}.get(state, "failed")
    metrics.task_seconds.labels(task.name, outcome).observe(time.perf_counter() - task.request.started)


@signals.beat_init.connect
def log_as_beat(**_):
    logs.configure("beat", settings())
