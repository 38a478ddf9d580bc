"""Questions to the broker and the store that are answered at once or not at all."""

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
    """A client that gives up after a second. A connection that went stale is replaced."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


class Questions:
    """Asks both at once and waits for a second at most, whatever hangs; name resolution may."""

    def __init__(self, redis: Callable[[], Any], mongo: Callable[[], Any]):
        self._questions = {"redis": redis, "mongo": mongo}
        # Two callers at a time find a free thread; when all hang, further ones wait their second in vain.
        self._threads = ThreadPoolExecutor(max_workers=2 * len(self._questions), thread_name_prefix="stores")

    def answers(self) -> dict[str, Any]:
        """By the store's name; who doesn't answer is missing."""
        asked = {store: self._threads.submit(_in_time, question) for store, question in self._questions.items()}
        wait(asked.values(), timeout=TIMEOUT_SECONDS)
        return {store: answer.result() for store, answer in asked.items() if self._came(store, answer)}

    def _came(self, store: str, answer: Future) -> bool:
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
