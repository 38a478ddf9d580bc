"""Whether the broker and the store answer."""

from pymongo import MongoClient
from redis import Redis

from sms.stores import Questions


class Readiness:
    def __init__(self, redis: Redis, mongo: MongoClient):
        self._questions = Questions(redis=redis.ping, mongo=lambda: mongo.admin.command("ping"))

    def failing(self) -> list[str]:
        """The names of those that don't answer."""
        answers = self._questions.answers()
        return [store for store in ("redis", "mongo") if store not in answers]
