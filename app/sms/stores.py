"""Short queries to Redis and MongoDB with a time limit of one second."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pymongo
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sms.settings import Settings

TIMEOUT_SECONDS = 1

logger = logging.getLogger(__name__)


def broker(settings: Settings) -> Redis:
    """Returns a client with a time limit of one second. It replaces a stale connection."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


class Questions:
    """Asks both stores at the same time and waits one second at most, even if a call hangs, as a DNS look-up may."""

    def __init__(self, redis: Callable[[], Any], mongo: Callable[[], Any]):
        self._questions = {"redis": redis, "mongo": mongo}
        # There are threads for two callers. If all threads hang, further callers get no answer after one second.
        self._threads = ThreadPoolExecutor(max_workers=2 * len(self._questions), thread_name_prefix="stores")

    def answers(self) -> dict[str, Any]:
        """The answers by the store's name. A store that doesn't answer is missing."""
        asked = {store: self._threads.submit(_in_time, question) for store, question in self._questions.items()}
        wait(asked.values(), timeout=TIMEOUT_SECONDS)
        return {store: answer.result() for store, answer in asked.items() if self._came(store, answer)}

    def _came(self, store: str, answer: Future[Any]) -> bool:
        if answer.done():
            error = answer.exception()
        else:
            answer.cancel()
            error = TimeoutError(f"not within {TIMEOUT_SECONDS} s")
        if error:
            logger.warning("no answer", extra={"store": store, "error": f"{type(error).__name__}: {error}"})
        return error is None


def _in_time(question: Callable[[], Any]) -> Any:
    with pymongo.timeout(TIMEOUT_SECONDS):
        return question()
