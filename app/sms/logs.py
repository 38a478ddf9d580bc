"""JSON lines, to stdout and to one rotated file a role (`web.log`, `worker.log` …)."""

import fcntl
import logging.config
import os
from pathlib import Path
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from sms.settings import Settings

# One role's files take 5 * 20 MiB, whatever happens.
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
            # Two lines a task, about what sms.tasks says with the message's id.
            "loggers": {"celery.worker.strategy": {"level": "WARNING"}, "celery.app.trace": {"level": "WARNING"}},
            "root": {"level": settings.log_level, "handlers": ["lines"]},
        }
    )


class Lines(logging.Handler):
    """Each line to stdout and to a file that several processes write and rotate at the same time.

    Appending takes no lock: the kernel keeps whole lines apart. Only who finds the file full does, to rename it;
    the others see that it is another one now. A line may still get into the file that was just renamed.
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
