"""`python -m sms.serve`: serves the API, until SIGTERM and what was begun before it.

granian's own process starts WEB_WORKERS others and brings back one that dies. Settings are read before any of
them: wrong ones end it right here.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from sms import logs
from sms.settings import Settings, settings

# Longer than proxies keep an idle connection (nginx: 60 s). Were we the first to close it, the request
# that is on its way at that moment would be lost.
KEEP_ALIVE_SECONDS = 75
# Of one process. An idle connection costs a few kilobytes; at the limit new ones wait, the kubelet's too.
MOST_CONNECTIONS = 20_000


def application():
    """What each process serves, with clients and threads of its own."""
    from sms.web import create_app

    return create_app(settings())


def begin(settings: Settings) -> None:
    # They survive a container's restart where /tmp is a volume: old numbers and old marks.
    settings.metrics_dir.mkdir(parents=True, exist_ok=True)
    for old in settings.metrics_dir.glob("*.db"):
        old.unlink()
    settings.drain_file.unlink(missing_ok=True)
    settings.ready_file.unlink(missing_ok=True)
    # prometheus_client looks for this when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics_dir)
    # Once, and not in each process: less processor time for a start, and memory that all of them share.
    import sms.web  # noqa: F401

    gc.freeze()


def insist() -> None:
    """granian asks each process once, and one that is only starting forgets it and is waited for until it is killed."""
    asked_by_granian = signal.getsignal(signal.SIGTERM)

    def ask(*signal_and_frame) -> None:
        asked_by_granian(*signal_and_frame)
        threading.Thread(target=repeat, args=[multiprocessing.active_children()], daemon=True).start()

    def repeat(processes: list[multiprocessing.Process]) -> None:
        while True:
            time.sleep(1)
            for process in processes:
                process.terminate()

    signal.signal(signal.SIGTERM, ask)


def main() -> int:
    wanted = settings()
    begin(wanted)
    server = Granian(
        "sms.serve:application",
        factory=True,
        interface=Interfaces.WSGI,
        address="0.0.0.0",
        port=wanted.web_port,
        http=HTTPModes.http1,
        websockets=False,
        # A request mostly waits for MongoDB and Redis.
        workers=wanted.web_workers,
        blocking_threads=wanted.web_threads,
        backpressure=MOST_CONNECTIONS,
        # hyper's time for the next request's headers runs from the end of the one before.
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1000),
        workers_kill_timeout=wanted.web_graceful_timeout_seconds,
        respawn_failed_workers=True,
    )
    server.on_startup(insist)
    # After granian has set up its own.
    logs.configure("web", wanted)
    server.serve()
    # One that was stopped before it ever got ready has failed: of such a container Kubernetes keeps the last lines.
    return 0 if wanted.ready_file.exists() else 1


if __name__ == "__main__":
    sys.exit(main())
