"""Whether the broker and the store answer."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pymongo
from pymongo import MongoClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sms.settings import Settings

TIMEOUT_SECONDS = 1

logger = logging.getLogger(__name__)


class Readiness:
    """Asks both at once, each for a second at most; name resolution counts too."""

    def __init__(self, settings: Settings, mongo: MongoClient):
        redis = Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

        def ping_mongo() -> None:
            with pymongo.timeout(TIMEOUT_SECONDS):
                mongo.admin.command("ping")

        self._checks: dict[str, Callable[[], object]] = {"redis": redis.ping, "mongo": ping_mongo}
        # Two probes at a time find a free thread; when both hang, further ones wait their second in vain.
        self._threads = ThreadPoolExecutor(max_workers=2 * len(self._checks), thread_name_prefix="readiness")

    def failing(self) -> list[str]:
        """The names of those that don't answer."""
        answers = {name: self._threads.submit(check) for name, check in self._checks.items()}
        return [name for name, answer in answers.items() if not self._came(name, answer)]

    def _came(self, name, answer) -> bool:
        try:
            answer.result(timeout=TIMEOUT_SECONDS)
        except Exception as error:  # whatever it is: it didn't answer
            answer.cancel()
            logger.warning("not ready", extra={"store": name, "error": f"{type(error).__name__}: {error}"})
            return False
        return True
