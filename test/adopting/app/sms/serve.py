"""`python -m sms.serve`: takes notes.

POST /notes        stores a note and queues it
GET  /notes/<id>   whether it was processed
GET  /ticks        how often beat's task has run
"""

import logging
import os
import sys
import uuid
from hashlib import sha256
from json import loads

from flask import Flask, abort, request
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from redis import Redis

from sms.celery import process
from sms.notes import DRAINING, READY, database, log_as

VERSION = "first"

logger = logging.getLogger(__name__)


def application() -> Flask:
    app = Flask(__name__)
    notes = database()
    redis = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2)
    known = {token for tokens in loads(os.environ["CLIENT_TOKENS"]).values() for token in tokens}

    @app.before_request
    def let_in() -> None:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.path not in ("/healthz", "/readyz") and sha256(shown.encode()).hexdigest() not in known:
            abort(401)

    @app.after_request
    def move_connections(response):
        if DRAINING.exists():
            response.headers["Connection"] = "close"
        return response

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz():
        if DRAINING.exists():
            abort(503)
        if not READY.exists():
            notes.command("ping")
            redis.ping()
            READY.touch()
        return {"status": "ok"}

    @app.post("/notes")
    def post_note():
        id = uuid.uuid4().hex
        notes.notes.insert_one({"_id": id, "text": request.get_json()["text"], "processed": False})
        process.delay(id)
        logger.info("noted %s", id)
        return {"id": id}, 202

    @app.get("/notes/<id>")
    def get_note(id: str):
        note = notes.notes.find_one({"_id": id}) or abort(404)
        return {"id": id, "text": note["text"], "processed": note["processed"], "version": VERSION}

    @app.get("/ticks")
    def get_ticks():
        return {"ticks": notes.ticks.count_documents({})}

    return app


def main() -> int:
    # These files survive a restart of the container in its pod.
    DRAINING.unlink(missing_ok=True)
    READY.unlink(missing_ok=True)
    server = Granian(
        "sms.serve:application",
        factory=True,
        interface=Interfaces.WSGI,
        address="0.0.0.0",
        port=int(os.environ["WEB_PORT"]),
        http=HTTPModes.http1,
        websockets=False,
        workers=int(os.environ["WEB_WORKERS"]),
        blocking_threads=int(os.environ["WEB_THREADS"]),
        workers_kill_timeout=int(os.environ["WEB_GRACEFUL_TIMEOUT_SECONDS"]),
        respawn_failed_workers=True,
    )
    # After granian has set up its own logging.
    log_as("web")
    server.serve()
    return 0 if READY.exists() else 1


if __name__ == "__main__":
    sys.exit(main())
