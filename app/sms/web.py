"""The HTTP API.

POST /messages        stores a message and queues it: 202 with its id
GET  /messages/<id>   what became of it
GET  /healthz         the process lives; nothing else is asked
GET  /readyz          Redis and MongoDB have answered once, and nobody is draining this instance
GET  /metrics         Prometheus: what this instance counted, and what waits for all of them
"""

import logging
import random
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

from flask import Flask, g, request, url_for
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from werkzeug.exceptions import Conflict, NotFound, ServiceUnavailable, UnsupportedMediaType

from sms import metrics
from sms.backlog import Backlog
from sms.circuit import Circuit
from sms.errors import InvalidRequest, answer_as_json
from sms.messages import KeyReused, Message, Messages, connect
from sms.names import limit_lookups
from sms.publisher import Publisher
from sms.readiness import Readiness
from sms.settings import Settings
from sms.stores import broker

# 500 characters are 6,000 bytes when each is written as an escaped surrogate pair (12 bytes).
MAX_BODY_BYTES = 16 * 1024
PROBES = {"/healthz", "/readyz", "/metrics"}
# On average. A connection stays with its instance: kept for good, those of the old ones never reach a new one.
REQUESTS_A_CONNECTION = 20
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

logger = logging.getLogger(__name__)


class NewMessage(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    to: Annotated[
        str,
        Field(
            pattern=r"^\+[1-9][0-9]{6,14}$",
            description="a number in E.164: +, country code, number; 7 to 15 digits, for example +8613800138000",
        ),
    ]
    # As much as one SendSms call of Alibaba Cloud carries.
    text: Annotated[str, Field(min_length=1, max_length=500, description="1 to 500 characters")]


IDEMPOTENCY_KEY = TypeAdapter(Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")])


def create_app(settings: Settings) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.sort_keys = False
    answer_as_json(app)
    count_requests(app)
    move_connections(app, settings.drain_file)

    limit_lookups()
    mongo = connect(settings)
    messages = Messages(mongo)
    redis = broker(settings)
    readiness = Readiness(settings, redis, mongo)
    # Half of the threads stay free for those who don't need the store, or are told to come again.
    store = Circuit(lambda: mongo.admin.command("ping"), slow_calls=max(1, settings.web_threads // 2))
    publisher = Publisher()
    backlog = Backlog(settings, redis, messages)

    @app.post("/messages")
    def post_message():
        new, key = new_message()
        try:
            with store.call():
                message, is_new = messages.accept(new.to, new.text, key)
        except KeyReused:
            raise Conflict("This Idempotency-Key came before, with another message.") from None
        if is_new:
            metrics.accepted.inc()
            publisher.publish(message.id)
        return {"id": message.id}, 202, {"Location": url_for("get_message", id=message.id)}

    @app.get("/messages/<id>")
    def get_message(id: str):
        with store.call():
            message = messages.find(id)
        if message is None:
            raise NotFound("There is no such message, or it was finished so long ago that it is gone.")
        return public(message)

    @app.get("/healthz")
    def healthz():
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz():
        if settings.drain_file.exists():
            raise ServiceUnavailable("draining")
        if failing := readiness.failing():
            raise ServiceUnavailable(f"no answer from {' and '.join(failing)}")
        return {"status": "ready"}

    @app.get("/metrics")
    def get_metrics():
        body, content_type = metrics.exposition(backlog)
        return body, {"Content-Type": content_type}

    return app


def new_message() -> tuple[NewMessage, str | None]:
    """The message in the request and its idempotency key. Raises `InvalidRequest` with every problem."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body has to be application/json.")
    new, key, problems = None, request.headers.get("Idempotency-Key"), []
    try:
        new = NewMessage.model_validate_json(request.get_data())
    except ValidationError as invalid:
        problems += [problem(error) for error in invalid.errors(include_url=False)]
    try:
        if key is not None:
            IDEMPOTENCY_KEY.validate_python(key)
    except ValidationError:
        problems.append(
            {
                "field": "Idempotency-Key",
                "problem": "The header is not valid",
                "allowed": "1 to 200 visible ASCII characters",
            }
        )
    if problems:
        raise InvalidRequest(problems)
    return new, key


def problem(error: dict) -> dict:
    """A fault that pydantic found, in our words: the field, what is wrong, what is allowed."""
    field = str(error["loc"][0]) if error["loc"] else "body"
    found = {"field": field, "problem": error["msg"]}
    # The text may be private, and long; unknown fields may hold anything.
    if field == "to" and isinstance(error["input"], str):
        found["value"] = error["input"][:40]
    if field in NewMessage.model_fields:
        found["allowed"] = NewMessage.model_fields[field].description
    elif field == "body":
        found["allowed"] = 'a JSON object: {"to": …, "text": …}'
    return found


def public(message: Message) -> dict:
    """What a client may know: neither number nor text. Times are ISO 8601, UTC."""

    def iso(time: datetime | None) -> str | None:
        return time and time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return {
        "id": message.id,
        "status": message.status,
        "attempts": message.attempts,
        "created_at": iso(message.created_at),
        "updated_at": iso(message.updated_at),
        "sent_at": iso(message.sent_at),
        "failed_at": iso(message.failed_at),
        "error": message.error,
    }


def count_requests(app: Flask) -> None:
    @app.before_request
    def start_clock():
        g.started = time.perf_counter()

    @app.after_request
    def count(response):
        seconds = time.perf_counter() - g.started
        # By the route, not the path, and by known methods only: a client can't invent label values.
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.requests.labels(method, route, response.status_code).inc()
        metrics.request_seconds.labels(method, route).observe(seconds)
        # Neither query nor headers: what they hold isn't ours to keep. Probes that go well are noise.
        quiet = route in PROBES and response.status_code < 400
        logger.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "bytes": response.content_length,
                "milliseconds": round(seconds * 1000, 1),
                "client": request.remote_addr,
            },
        )
        return response


def move_connections(app: Flask, drain_file: Path) -> None:
    """All of them while this instance drains, and now and then one to whichever instance is the next."""

    @app.after_request
    def close(response):
        if drain_file.exists() or random.random() < 1 / REQUESTS_A_CONNECTION:
            response.headers["Connection"] = "close"
        return response
