"""Writes JSON lines to stdout and to one rotated file per role (`web.log`, `worker.log` …)."""

import fcntl
import logging.config
import os
from pathlib import Path
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from sms.settings import Settings

# The files of one role take at most 5 * 20 MiB.
MAX_BYTES = 20 * 1024 * 1024
OLD_FILES = 4


def configure(role: Literal["web", "worker", "beat", "migrate"], settings: Settings) -> None:
    """Sends the lines of every logger of this process to both places. Repeated calls change nothing."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": JsonFormatter,
                    "fmt": "{levelname}{name}{message}{process}",
                    "style": "{",
                    "rename_fields": {"levelname": "level", "name": "logger", "process": "pid"},
                    "static_fields": {"role": role, "env": settings.env},
                    "timestamp": True,
                }
            },
            "handlers": {
                "lines": {"()": Lines, "path": settings.log_dir / f"{role}.log", "formatter": "json"},
            },
            "loggers": {
                # These two loggers write two lines per task. sms.tasks logs the same with the message's id.
                "celery.worker.strategy": {"level": "WARNING"},
                "celery.app.trace": {"level": "WARNING"},
                # At DEBUG these loggers write the network traffic, with numbers and texts.
                "pymongo": {"level": "INFO"},
                "urllib3": {"level": "INFO"},
            },
            "root": {"level": settings.log_level, "handlers": ["lines"]},
        }
    )


class Lines(logging.Handler):
    """Writes each line to stdout and to a file. Several processes write and rotate the file at the same time.

    Appending needs no lock, because the kernel does not mix lines. A process that finds the file full takes a lock and
    renames the file. The other processes detect the new file. A line may still go into the renamed file.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, old_files: int = OLD_FILES):
        super().__init__()
        self._path, self._max_bytes = path, max_bytes
        self._names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, old_files + 1))]
        self._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n".encode()
            os.write(1, line)
            os.write(self._file(), line)
        except Exception:
            self.handleError(record)

    def _file(self) -> int:
        if self._is_another():
            os.close(self._descriptor)
            self._open()
        if os.fstat(self._descriptor).st_size >= self._max_bytes:
            self._rotate()
        return self._descriptor

    def _is_another(self) -> bool:
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._inode = os.fstat(self._descriptor).st_ino

    def _rotate(self) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            if not self._is_another():
                for older, name in reversed([*zip(self._names[1:], self._names, strict=False)]):
                    if name.exists():
                        name.replace(older)
        finally:
            os.close(directory)
        os.close(self._descriptor)
        self._open()
