"""`python -m sms.serve`: serves the API until SIGTERM. Requests that began before SIGTERM are completed.

granian's main process starts WEB_WORKERS other processes, and restarts one that dies. The main process reads the
settings first. If a setting is wrong, it ends before it starts the others.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from sms import logs
from sms.settings import Settings, settings

if TYPE_CHECKING:
    from flask import Flask

# Longer than proxies keep an idle connection (nginx: 60 s). If the service closed it first, a request
# that is being sent at that moment would be lost.
KEEP_ALIVE_SECONDS = 75
# Per process. An idle connection takes a few kilobytes. At the limit, new connections wait, also the kubelet's.
MOST_CONNECTIONS = 20_000


def application() -> "Flask":
    """Creates the application in each process, with its own store clients and threads.

    If it can't be created, the main process ends too. granian alone may start processes again without end: it sees a
    crash loop only if one process crashes twice in a row, and two processes can crash in turn.
    """
    from sms.web import create_app

    try:
        return create_app(settings())
    except BaseException:
        os.kill(os.getppid(), signal.SIGTERM)
        raise


def begin(settings: Settings) -> None:
    # If /tmp is a volume, old metrics and marker files survive a restart of the container.
    settings.metrics_dir.mkdir(parents=True, exist_ok=True)
    for old in settings.metrics_dir.glob("*.db"):
        old.unlink()
    settings.drain_file.unlink(missing_ok=True)
    settings.ready_file.unlink(missing_ok=True)
    # prometheus_client reads this variable when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics_dir)
    # The main process imports the module once. A start takes less processor time, and all processes share the memory.
    import sms.web  # noqa: F401

    gc.freeze()


def insist() -> None:
    """Repeats SIGTERM every second for each process.

    granian sends it once. A process that is still starting loses it, and granian then waits until it kills the process.
    """
    asked_by_granian: Any = signal.getsignal(signal.SIGTERM)

    def ask(*signal_and_frame: Any) -> None:
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
        # hyper's time limit for a request's headers starts at the end of the previous request.
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1000),
        workers_kill_timeout=wanted.web_graceful_timeout_seconds,
        respawn_failed_workers=True,
    )
    server.on_startup(insist)
    # After granian has set up its own logging.
    logs.configure("web", wanted)
    server.serve()
    # If the container is stopped before it was ready, it has failed. Kubernetes keeps the last lines of a failed one.
    return 0 if wanted.ready_file.exists() else 1


if __name__ == "__main__":
    sys.exit(main())
