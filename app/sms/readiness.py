"""Whether this instance can start to take requests."""

from typing import Any

from pymongo import MongoClient
from redis import Redis

from sms.settings import Settings
from sms.stores import Questions


class Readiness:
    """An instance is ready after both stores have answered once. READY_FILE records that for all its processes."""

    def __init__(self, settings: Settings, redis: Redis, mongo: MongoClient[dict[str, Any]]):
        self._file = settings.ready_file
        self._questions = Questions(redis=redis.ping, mongo=lambda: mongo.admin.command("ping"))

    def is_ready(self) -> bool:
        """If a store doesn't answer, the log names it."""
        if self._file.exists():
            return True
        are_both = len(self._questions.answers()) == 2
        if are_both:
            self._file.touch()
        return are_both
