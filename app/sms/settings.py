"""What the environment may say, read once and by this module alone.

An optional variable that is unset or empty has its default; `0` is a value. Every fault is reported
at once, by the variable's name and without its value, since a value may be a secret.
"""

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from celery.schedules import crontab
from pydantic import (
    AfterValidator,
    BeforeValidator,
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
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri
from redis.connection import parse_url

Port = Annotated[int, Field(ge=1, le=65535)]
QueueName = Literal["sms", "sms-maintenance"]
"""`sms` carries messages to be sent, `sms-maintenance` what beat asks for."""


def _redis_url(url: SecretStr) -> SecretStr:
    try:
        # redis-py takes no notice of a database that is no number, Celery stumbles over it later.
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
        if not url.get_secret_value().startswith("mongodb://"):
            raise ValueError
        parse_uri(url.get_secret_value())
    except (ValueError, PyMongoError):
        raise ValueError(
            "is not mongodb://user:password@host[:port][,…]/sms[?authSource=admin…];"
            " special characters of the password are percent-encoded"
        ) from None
    return url


def _writable_directory(path: Path) -> Path:
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise ValueError(f"is not a directory that user {os.getuid()} may write to: {path}")
    return path


def _comma_separated(names: object) -> object:
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names


QueueNames = Annotated[tuple[QueueName, ...], NoDecode, BeforeValidator(_comma_separated), Field(min_length=1)]


def _cron(line: str) -> str:
    crontab.from_string(line)
    return line


class Settings(BaseSettings):
    """One process's settings; the field `redis_url` is the variable `REDIS_URL`."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    env: Literal["online", "test", "local"]
    """Where this runs; every log line says it."""

    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)]
    """The broker, and nothing but a broker."""
    mongo_url: Annotated[SecretStr, AfterValidator(_mongo_url)]
    """The store. The path names the database; without one it is `sms`."""

    log_dir: Annotated[Path, AfterValidator(_writable_directory)] = Path("/var/log/sms")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    sms_gateway: Literal["log", "aliyun"] = "log"
    """`log` writes a line in place of a text message; `aliyun` is Alibaba Cloud SMS."""
    gateway_timeout_seconds: PositiveFloat = 10
    """For connecting to the gateway and again for its answer. An attempt asks and sends: four times this at most."""
    aliyun_access_key_id: str | None = None
    aliyun_access_key_secret: SecretStr | None = None
    aliyun_sms_sign_name: str | None = None
    aliyun_sms_template_code: str | None = None
    """A template with one variable, `${text}`. How long that may be is the template's matter: the
    gateway refuses longer texts, and such messages end as `failed` (isv.PARAM_LENGTH_LIMIT)."""
    aliyun_sms_endpoint: HttpUrl = HttpUrl("https://dysmsapi.aliyuncs.com")

    message_retention_days: NonNegativeInt = 30
    """How long a finished message, and with it its idempotency key, is kept."""
    purge_schedule: Annotated[str, AfterValidator(_cron)] = "0 4 * * *"
    """When finished messages are purged: a crontab line, UTC."""

    send_max_attempts: PositiveInt = 6
    send_retry_base_seconds: NonNegativeInt = 5
    """The n-th retry waits between 0 and base * 2^(n-1) seconds ("full jitter")…"""
    send_retry_max_seconds: NonNegativeInt = 600
    """…but never longer than this."""
    send_lease_seconds: PositiveInt = 60
    """For so long one attempt has the message to itself."""

    resend_after_seconds: PositiveInt = 120
    """A message that was due so long ago, and that nobody took, is queued again; one that a worker left
    behind doesn't wait for this, but for the end of its lease."""
    resend_interval_seconds: PositiveFloat = 60
    resend_batch: PositiveInt = 5000
    """The most messages that are queued again in one go."""

    migration_timeout_seconds: PositiveInt = 120
    """For so long `python -m sms.migrate` tries; a large collection needs a while for a new index."""

    visibility_timeout_seconds: PositiveInt = 3600
    """After it Redis gives a delivery that nobody acknowledged to another worker."""

    web_port: Port = 8004
    web_workers: PositiveInt = 1
    """As many as there are CPUs for them: each runs one thread at a time."""
    web_threads: PositiveInt = 8
    web_graceful_timeout_seconds: PositiveInt = 30
    worker_queues: QueueNames = get_args(QueueName)
    """What this worker takes its tasks from, separated by commas; all of them by default."""
    worker_threads: PositiveInt = 16
    worker_soft_shutdown_seconds: NonNegativeInt = 30
    """After it SIGQUIT gives back what still runs; SIGTERM waits for it to the end."""
    worker_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 8005
    """Where a worker serves its `/metrics`; 0 for not at all."""

    drain_file: Path = Path("/tmp/draining")
    ready_file: Path = Path("/tmp/ready")
    worker_heartbeat_file: Path = Path("/tmp/worker.heartbeat")
    beat_heartbeat_file: Path = Path("/tmp/beat.heartbeat")
    metrics_dir: Path = Path("/tmp/sms-metrics")
    """Where the web's processes count; earlier numbers go when the server starts."""

    # A rule across variables is a validator of the later one, so that it is reported together with
    # the faults of single variables. What it compares with is missing where that itself is at fault.

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
        # A retry waits, unacknowledged, in the worker that will run it.
        longest = others.data.get("send_retry_max_seconds", 0) + others.data.get("send_lease_seconds", 0)
        if timeout <= longest:
            raise ValueError(
                "must be more than SEND_RETRY_MAX_SECONDS + SEND_LEASE_SECONDS, or Redis delivers waiting tasks again"
            )
        return timeout


@cache
def settings() -> Settings:
    """This process's settings. Ends the process, with every fault on stderr, where they are wrong."""
    try:
        return Settings()
    except ValidationError as faults:
        print("The environment is not fit to start with:", file=sys.stderr)
        for fault in faults.errors(include_url=False, include_input=False):
            variable = str(fault["loc"][0]).upper()
            print(f"  {variable}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        raise SystemExit(os.EX_CONFIG) from None
