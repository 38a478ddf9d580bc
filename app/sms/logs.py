"""JSON lines, to stdout and to one rotated file a role (`web.log`, `worker.log` …)."""

import logging.config
from typing import Literal

from sms.settings import Settings

# One role's files take 5 * 20 MiB at most, whatever happens.
MAX_BYTES = 20 * 1024 * 1024
OLD_FILES = 4


def configure(role: Literal["web", "worker", "beat", "migrate"], settings: Settings) -> None:
    """Sends every logger of this process there; harmless to call again."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "fmt": "{levelname}{name}{message}{process}",
                    "style": "{",
                    "rename_fields": {"levelname": "level", "name": "logger", "process": "pid"},
                    "static_fields": {"role": role, "env": settings.env},
                    "timestamp": True,
                }
            },
            "handlers": {
                "stdout": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"},
                # Several gunicorn workers write one file: this handler holds a lock while it writes or
                # rotates, and opens its own after a fork.
                "file": {
                    "class": "concurrent_log_handler.ConcurrentRotatingFileHandler",
                    "formatter": "json",
                    "filename": str(settings.log_dir / f"{role}.log"),
                    "maxBytes": MAX_BYTES,
                    "backupCount": OLD_FILES,
                    "encoding": "utf-8",
                    "keep_file_open": True,
                },
            },
            # Two lines a task, about what sms.tasks says with the message's id.
            "loggers": {"celery.worker.strategy": {"level": "WARNING"}, "celery.app.trace": {"level": "WARNING"}},
            "root": {"level": settings.log_level, "handlers": ["stdout", "file"]},
        }
    )
