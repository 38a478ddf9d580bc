"""How gunicorn serves the API. Read in the master, before any fork: wrong settings end it right here."""

import gc
import os

from sms.settings import settings

_settings = settings()

bind = f"0.0.0.0:{_settings.web_port}"
workers = _settings.web_workers
# A request mostly waits for MongoDB and Redis; eventlet is gone since gunicorn 26.
worker_class = "gthread"
threads = _settings.web_threads
graceful_timeout = _settings.web_graceful_timeout_seconds
# Longer than proxies keep an idle connection (nginx: 60 s). Were we the first to close it, the request
# that is on its way at that moment would be lost.
keepalive = 75
# Nothing is known to leak, and each recycled worker would leave its metrics files behind.
max_requests = 0
# The heartbeat of a worker is a file: in memory, so that a slow disk can't get it killed.
worker_tmp_dir = "/dev/shm"
# Its place would be the home directory; the root file system is read-only.
control_socket_disable = True
logger_class = "sms.access_log.JsonLogger"
accesslog = "-"

# prometheus_client looks for this when it is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_settings.metrics_dir)


def on_starting(server):
    # They survive a container's restart where /tmp is a volume: old numbers and old marks.
    _settings.metrics_dir.mkdir(parents=True, exist_ok=True)
    for old in _settings.metrics_dir.glob("*.db"):
        old.unlink()
    _settings.drain_file.unlink(missing_ok=True)
    _settings.ready_file.unlink(missing_ok=True)
    # Once, and not in each worker: less processor time for a start, and memory that all of them share.
    import sms.web  # noqa: F401

    gc.freeze()


def is_draining(worker):
    return not worker.alive or _settings.drain_file.exists()


def post_worker_init(worker):
    worker.wsgi.config["IS_DRAINING"] = lambda: is_draining(worker)


def pre_request(worker, request):
    # "Connection: close" moves clients that keep connections to another instance before this one goes.
    if is_draining(worker):
        request.force_close()


def on_exit(server):
    # One that was stopped before it ever got ready has failed: of such a container Kubernetes keeps the last lines.
    if not _settings.ready_file.exists():
        raise SystemExit(1)


def child_exit(server, worker):
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
