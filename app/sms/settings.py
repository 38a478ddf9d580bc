"""The environment variables. Only this module reads them, and it reads them once.

If an optional variable is unset or empty, it has its default. `0` is a value. All faults are reported together, with
the variable's name and without its value, because a value may be a secret.
"""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from celery.schedules import crontab
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri
from redis.connection import parse_url

Port = Annotated[int, Field(ge=1, le=65535)]
QueueName = Literal["sms", "sms-maintenance"]
"""`sms` has the messages to send. `sms-maintenance` has beat's tasks."""


def _redis_url(url: SecretStr) -> SecretStr:
    try:
        # redis-py ignores a database that is not a number, and Celery later fails on it.
        if not re.match(r"rediss?://[^/]+(/[0-9]*)?(\?|$)", url.get_secret_value()):
            raise ValueError
        parse_url(url.get_secret_value())
    except ValueError:
        raise ValueError(
            "is not redis://[user]:password@host[:port][/database] (rediss:// for TLS);"
            " special characters of the password are percent-encoded"
        ) from None
    return url


def _mongo_url(url: SecretStr) -> SecretStr:
    try:
        if named_by_dns(url.get_secret_value()):
            # Unlike parse_uri, this checks the URL without asking the DNS. The first connection asks the DNS.
            MongoClient(url.get_secret_value(), connect=False)
        elif url.get_secret_value().startswith("mongodb://"):
            parse_uri(url.get_secret_value())
        else:
            raise ValueError
    except (ValueError, PyMongoError):
        raise ValueError(
            "is not mongodb://user:password@host[:port][,…]/sms[?authSource=admin…], nor mongodb+srv://…@host/…"
            " with one host and no port; special characters of the password are percent-encoded"
        ) from None
    return url


def named_by_dns(mongo_url: str) -> bool:
    """Whether the DNS names the servers and their options (`mongodb+srv://`)."""
    return mongo_url.startswith("mongodb+srv://")


def _environment(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
        raise ValueError("is not a name of lower-case letters, digits and -, 63 characters at most")
    return name


def _writable_directory(path: Path) -> Path:
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(f"is not a directory that user {os.getuid()} may write to: {path}")
    return path


def _comma_separated(names: object) -> object:
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names


QueueNames = Annotated[tuple[QueueName, ...], NoDecode, BeforeValidator(_comma_separated), Field(min_length=1)]


def _json(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        raise ValueError("is not JSON") from None


def _cron(line: str) -> str:
    crontab.from_string(line)
    return line


class Limits(BaseModel):
    """One client's limits, with the names of the stack file's keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    requests_per_minute: PositiveInt = 600
    messages_per_day: NonNegativeInt = 10_000
    """If 0, the client may read the state of its messages, but not send."""
    retention_days: NonNegativeInt | None = None
    """Replaces MESSAGE_RETENTION_DAYS for this client's messages."""


ClientName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$")]
TokenHashes = Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(max_length=2)]


class Settings(BaseSettings):
    """One process's settings; the field `redis_url` is the variable `REDIS_URL`."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    env: Annotated[str, AfterValidator(_environment)]
    """The environment's name. It is in every log line and has no other use."""

    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)]
    """The broker, the counters of the limits, and beat's last ticks."""
    mongo_url: Annotated[SecretStr, AfterValidator(_mongo_url)]
    """The store of the messages. The path names the database. The default is `sms`."""

    clients: Annotated[dict[ClientName, Limits], NoDecode, BeforeValidator(_json)] = {}
    """The clients and their limits: `{"shop": {"requestsPerMinute": 600}}`. The web refuses all other requests."""
    client_tokens: Annotated[dict[ClientName, TokenHashes], NoDecode, BeforeValidator(_json)] = {}
    """The SHA-256 of each client's tokens: `{"shop": ["…"]}`. A client has two while one replaces the other."""
    open_to_anybody: bool = False
    """If true, all requests are accepted without a token."""
    former_client: ClientName | None = None
    """The client that owns the messages from versions without clients."""

    messages_per_day: PositiveInt = 100_000
    """The limit for all clients together. It limits a day's cost. Days are in UTC."""

    log_dir: Annotated[Path, AfterValidator(_writable_directory)] = Path("/var/log/sms")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    sms_gateway: Literal["log", "aliyun"] = "log"
    """`log` only writes a line and sends no text message. `aliyun` is Alibaba Cloud SMS."""
    gateway_timeout_seconds: PositiveFloat = 10
    """The limit for connecting to the gateway, and again for its answer. An attempt makes two calls, so it takes at
    most four times this."""
    aliyun_access_key_id: str | None = None
    aliyun_access_key_secret: SecretStr | None = None
    aliyun_sms_sign_name: str | None = None
    aliyun_sms_template_code: str | None = None
    """A template with one variable, `${text}`. The template limits its length. The gateway refuses longer texts, and
    such messages end as `failed` (isv.PARAM_LENGTH_LIMIT)."""
    aliyun_sms_endpoint: HttpUrl = HttpUrl("https://dysmsapi.aliyuncs.com")

    message_retention_days: NonNegativeInt = 30
    """How long a finished message and its idempotency key are kept."""
    purge_schedule: Annotated[str, AfterValidator(_cron)] = "0 4 * * *"
    """When finished messages are purged: a crontab line in UTC."""

    send_max_attempts: PositiveInt = 6
    send_retry_base_seconds: NonNegativeInt = 5
    """The n-th retry waits between 0 and base * 2^(n-1) seconds ("full jitter")…"""
    send_retry_max_seconds: NonNegativeInt = 600
    """…but never longer than this."""
    send_lease_seconds: PositiveInt = 60
    """How long one attempt owns the message."""

    resend_after_seconds: PositiveInt = 120
    """If no worker takes a message for this long after it was due, it is queued again. If a worker took it and died,
    the message is queued again after its lease instead."""
    resend_interval_seconds: PositiveFloat = 60
    resend_batch: PositiveInt = 5000
    """The most messages that one run of resend_stuck queues again."""

    migration_timeout_seconds: PositiveInt = 120
    """The time limit of `python -m sms.migrate`. A new index on a large collection takes some time."""

    visibility_timeout_seconds: PositiveInt = 3600
    """If no worker acknowledges a delivery for this long, Redis gives it to another worker."""

    web_port: Port = 8004
    web_workers: PositiveInt = 1
    """Processes of the web. Set it to the number of CPUs: each process runs one thread at a time."""
    web_threads: PositiveInt = 8
    web_graceful_timeout_seconds: PositiveInt = 30
    worker_queues: QueueNames = get_args(QueueName)
    """The queues of this worker, separated by commas. The default is all queues."""
    worker_threads: PositiveInt = 16
    worker_soft_shutdown_seconds: NonNegativeInt = 30
    """After SIGQUIT, tasks that run longer than this return to the queue. After SIGTERM, the worker waits for all."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 8005
    """The port of `/metrics` in web and workers. 0 serves no metrics."""

    drain_file: Path = Path("/tmp/draining")
    ready_file: Path = Path("/tmp/ready")
    worker_heartbeat_file: Path = Path("/tmp/worker.heartbeat")
    beat_heartbeat_file: Path = Path("/tmp/beat.heartbeat")
    metrics_dir: Path = Path("/tmp/sms-metrics")
    """The folder for the metrics of the web's processes. A start of the server deletes earlier numbers."""

    # A rule about two variables is a validator of the later one. So its fault is reported together with the faults of
    # single variables. If the earlier variable is invalid, its value is missing here.

    @field_validator("client_tokens")
    @classmethod
    def _each_clients(cls, tokens: dict[str, TokenHashes], others: ValidationInfo) -> dict[str, TokenHashes]:
        clients = others.data.get("clients", {})
        if tokens.keys() != clients.keys():
            raise ValueError("has to have the same names as CLIENTS. A client without a token has an empty list")
        return tokens

    @field_validator("open_to_anybody")
    @classmethod
    def _has_a_door(cls, is_open: bool, others: ValidationInfo) -> bool:
        if is_open == bool(others.data.get("clients", True)):
            raise ValueError(
                "is true, and CLIENTS names who may send: set only one of the two"
                if is_open
                else "is false, and CLIENTS names nobody: add a client to CLIENTS, or set OPEN_TO_ANYBODY to true"
            )
        return is_open

    @field_validator("former_client")
    @classmethod
    def _is_a_client(cls, name: str | None, others: ValidationInfo) -> str | None:
        if name and name not in others.data.get("clients", {name}):
            raise ValueError("is none of CLIENTS")
        return name

    @field_validator(
        "aliyun_access_key_id",
        "aliyun_access_key_secret",
        "aliyun_sms_sign_name",
        "aliyun_sms_template_code",
    )
    @classmethod
    def _given_for_aliyun(cls, value: object, others: ValidationInfo) -> object:
        if value is None and others.data.get("sms_gateway") == "aliyun":
            raise ValueError("is required with SMS_GATEWAY=aliyun")
        return value

    @field_validator("send_lease_seconds")
    @classmethod
    def _outlasts_an_attempt(cls, lease: int, others: ValidationInfo) -> int:
        if lease <= 4 * others.data.get("gateway_timeout_seconds", 0):
            raise ValueError(
                "must be more than four times GATEWAY_TIMEOUT_SECONDS, or two workers send the same message"
            )
        return lease

    @field_validator("visibility_timeout_seconds")
    @classmethod
    def _outlasts_a_task(cls, timeout: int, others: ValidationInfo) -> int:
        # A retry waits in the worker that will run it, and is not acknowledged until then.
        longest = others.data.get("send_retry_max_seconds", 0) + others.data.get("send_lease_seconds", 0)
        if timeout <= longest:
            raise ValueError(
                "must be more than SEND_RETRY_MAX_SECONDS + SEND_LEASE_SECONDS, or Redis delivers waiting tasks again"
            )
        return timeout


@cache
def settings() -> Settings:
    """This process's settings. If a variable is not valid, prints every fault to stderr and ends the process (78)."""
    try:
        return Settings()
    except ValidationError as faults:
        print("The environment variables are not valid:", file=sys.stderr)
        for fault in faults.errors(include_url=False, include_input=False):
            variable = str(fault["loc"][0]).upper()
            print(f"  {variable}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        raise SystemExit(os.EX_CONFIG) from None
