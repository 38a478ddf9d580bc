"""The common part of the processes: the database, the files that the pods' probes and hooks use, and logging."""

import logging
import os
import sys
import threading
import time
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

from pymongo import MongoClient
from pymongo.database import Database

DRAINING = Path("/tmp/draining")
READY = Path("/tmp/ready")
WORKER_HEARTBEAT = Path("/tmp/worker.heartbeat")
BEAT_HEARTBEAT = Path("/tmp/beat.heartbeat")


@cache
def database() -> Database:
    return MongoClient(os.environ["MONGO_URL"], timeoutMS=3000).get_default_database("notes")


def log_as(role: str) -> None:
    # Only one process writes each file. The web's other processes write no lines.
    file = RotatingFileHandler(f"/var/log/sms/{role}.log", maxBytes=20 * 1024 * 1024, backupCount=4)
    line = "%(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=line, handlers=[logging.StreamHandler(sys.stdout), file])


def keep_touching(heartbeat: Path) -> None:
    """Touches the file every 5 s in its own thread, also while Redis is unavailable: a restart would not repair it."""

    def touch() -> None:
        while True:
            heartbeat.touch()
            time.sleep(5)

    threading.Thread(target=touch, daemon=True).start()
