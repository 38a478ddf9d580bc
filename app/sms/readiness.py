"""Whether this instance can begin to take requests."""

from pymongo import MongoClient
from redis import Redis

from sms.settings import Settings
from sms.stores import Questions


class Readiness:
    """Both stores have to answer once, for all of this instance's processes; READY_FILE says that they did."""

    def __init__(self, settings: Settings, redis: Redis, mongo: MongoClient):
        self._file = settings.ready_file
        self._questions = Questions(redis=redis.ping, mongo=lambda: mongo.admin.command("ping"))

    def failing(self) -> list[str]:
        """The names of those that it still waits for."""
        if self._file.exists():
            return []
        answers = self._questions.answers()
        failing = [store for store in ("redis", "mongo") if store not in answers]
        if not failing:
            self._file.touch()
        return failing
