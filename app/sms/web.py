"""The HTTP API.

POST /messages        stores a message and queues it: 202 with its id
GET  /messages/<id>   the state of a message
GET  /openapi.json    this API's description in OpenAPI
GET  /healthz         200 if the process runs; checks nothing else
GET  /readyz          200 if Redis and MongoDB have answered once and this instance is not draining

METRICS_PORT serves this instance's metrics, and the waiting messages and tasks of all instances.
"""

import logging
import random
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from flask import Flask, Response, g, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import Conflict, Forbidden, NotFound, ServiceUnavailable

from sms import metrics, openapi
from sms.allowance import Allowances
from sms.backlog import Backlog
from sms.bodies import Bodies
from sms.circuit import Circuit
from sms.clients import Client
from sms.door import Door
from sms.errors import InvalidRequest, answer_as_json
from sms.messages import NUMBER, KeyReused, Message, Messages, connect
from sms.names import limit_lookups
from sms.publisher import Publisher
from sms.readiness import Readiness
from sms.settings import Settings
from sms.stores import broker

# 500 characters are 6,000 bytes when each is written as an escaped surrogate pair (12 bytes).
MAX_BODY_BYTES = 16 * 1024
PROBES = {"/healthz", "/readyz"}
# On average. A connection belongs to one instance. If connections were never closed, new instances would get none
# of the existing ones.
REQUESTS_A_CONNECTION = 20
# A path with a message's id has at most 80 characters.
LONGEST_PATH = 200
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

logger = logging.getLogger(__name__)


class NewMessage(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    to: Annotated[
        str,
        Field(
            pattern=NUMBER,
            description="a number in E.164: +, country code, number; 7 to 15 digits, for example +8613800138000",
        ),
    ]
    # The limit of one SendSms call of Alibaba Cloud.
    text: Annotated[str, Field(min_length=1, max_length=500, description="1 to 500 characters")]


IDEMPOTENCY_KEY = TypeAdapter(Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")])


def create_app(settings: Settings) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask's own provider has it.
    answer_as_json(app)
    count_requests(app)
    move_connections(app, settings.drain_file)

    limit_lookups()
    mongo = connect(settings)
    messages = Messages(mongo)
    redis = broker(settings)
    readiness = Readiness(settings, redis, mongo)
    # Half of the threads stay free for requests that don't need the store or are refused with Retry-After.
    store = Circuit(lambda: mongo.admin.command("ping"), slow_calls=max(1, settings.web_threads // 2))
    publisher = Publisher()
    door = Door(settings)
    allowances = Allowances(settings, redis)
    bodies = Bodies(settings.web_threads)

    def let_in() -> Client:
        client = g.client = door.client(request.headers.get("Authorization"))
        allowances.take_request(client)
        return client

    @app.after_request
    def say_what_is_left(response: Response) -> Response:
        if "client" in g:
            response.headers.update(allowances.headers(g.client))
        return response

    metrics.serve(settings.metrics_port, Backlog(settings, redis, messages))

    @app.post("/messages")
    def post_message() -> ResponseReturnValue:
        client = let_in()
        if client.limits.messages_per_day == 0:
            raise Forbidden("This client may not send.")
        new, key = new_message(bodies.json(client))
        try:
            with allowances.message(client) as give_back, store.call():
                message, is_new = messages.accept(client, new.to, new.text, key)
                if not is_new:
                    give_back()
        except KeyReused:
            raise Conflict("This Idempotency-Key was already used with another message.") from None
        if is_new:
            metrics.accepted.inc()
            publisher.publish(message.id)
        return {"id": message.id}, 202, {"Location": url_for("get_message", id=message.id)}

    @app.get("/messages/<id>")
    def get_message(id: str) -> ResponseReturnValue:
        client = let_in()
        message = None
        if client.owns(id):
            with store.call():
                message = messages.find(id)
        if message is None:
            raise NotFound("There is no such message, or the message was deleted after its retention.")
        return public(message)

    @app.get("/openapi.json")
    def get_openapi() -> ResponseReturnValue:
        return openapi.description(NewMessage.model_json_schema())

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        # Anybody may call this endpoint, so the reason is only in the log.
        if settings.drain_file.exists() or not readiness.is_ready():
            raise ServiceUnavailable("not ready")
        return {"status": "ready"}

    return app


def new_message(body: bytes) -> tuple[NewMessage, str | None]:
    """The message in the request and its idempotency key. Raises `InvalidRequest` with every problem."""
    new, key, problems = None, request.headers.get("Idempotency-Key"), []
    try:
        new = NewMessage.model_validate_json(body)
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
    if new is None or problems:
        raise InvalidRequest(problems)
    return new, key


def problem(error: ErrorDetails) -> dict[str, Any]:
    """A fault from pydantic in the API's format: the field, the problem and the allowed values."""
    field = str(error["loc"][0]) if error["loc"] else "body"
    found: dict[str, Any] = {"field": field, "problem": error["msg"]}
    # Only a wrong number is shown. A text may be private and long, and an unknown field may contain anything.
    if field == "to" and isinstance(error["input"], str):
        found["value"] = error["input"][:40]
    if field in NewMessage.model_fields:
        found["allowed"] = NewMessage.model_fields[field].description
    elif field == "body":
        found["allowed"] = 'a JSON object: {"to": …, "text": …}'
    return found


def public(message: Message) -> dict[str, Any]:
    """The fields that a client gets, without the number and the text. Times are ISO 8601 in UTC."""

    def iso(time: datetime | None) -> str | None:
        return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None

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
    def start_clock() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        # Labels are the route, not the path, and known methods only. So a client can't create label values.
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "none"
        metrics.requests.labels(method, route, response.status_code).inc()
        metrics.request_seconds.labels(method, route).observe(seconds)
        # The line has neither query nor headers, because they may contain private data. Successful probes are DEBUG.
        quiet = route in PROBES and response.status_code < 400
        logger.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "method": request.method,
                "path": request.path[:LONGEST_PATH],
                "status": response.status_code,
                "bytes": response.content_length,
                "milliseconds": round(seconds * 1000, 1),
                "client": g.client.name if "client" in g else None,
                "address": request.remote_addr,
            },
        )
        return response


def move_connections(app: Flask, drain_file: Path) -> None:
    """Closes every connection while this instance drains. Otherwise closes one after 20 requests on average.

    The client's next connection can then go to another instance.
    """

    @app.after_request
    def close(response: Response) -> Response:
        if drain_file.exists() or random.random() < 1 / REQUESTS_A_CONNECTION:
            response.headers["Connection"] = "close"
        return response
