"""Rate limits of requests and messages. The counters are in Redis and are shared by all instances.

A process takes permits from Redis in batches and gives them out. So most requests need no call to Redis, and all
processes together never exceed the limit. When the window ends, a process discards its remaining permits.

A request waits for Redis at most 0.2 s. One thread calls Redis. If Redis doesn't answer, this process counts alone, up
to the limit. So messages are still accepted, at most the limit once per process. When Redis answers again, the process
adds its own count to Redis.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Condition, Thread

from limits.storage import RedisStorage
from redis import Redis, RedisError
from werkzeug.exceptions import TooManyRequests

from sms import metrics
from sms.clients import ANYBODY, Client, clients_of
from sms.settings import Settings

MOST_AT_A_TIME = 500
MOMENT_SECONDS = 0.2
"""The longest time that a request waits for permits."""
PAUSE_SECONDS = 1
"""If Redis doesn't answer, the process makes no call to Redis for this time."""

MINUTE, DAY = 60, 24 * 60 * 60

logger = logging.getLogger(__name__)


class Counters:
    """The counters in Redis. One thread makes all calls."""

    prefix = "sms:taken"

    def __init__(self, redis: Redis):
        self._storage = RedisStorage("redis://", redis.connection_pool, key_prefix=self.prefix)
        self._asked: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._away_until = 0.0
        Thread(target=self._run, name="allowance", daemon=True).start()

    def ask(self, key: str, seconds: int, amount: int, answered: Callable[[int | None], None]) -> None:
        """Adds `amount` to a counter. Calls `answered` with the new count, or with None if Redis doesn't answer."""
        self._asked.put(lambda: answered(self._add(key, seconds, amount)))

    def are_away(self) -> bool:
        return time.monotonic() < self._away_until

    def leave_alone(self) -> None:
        self._away_until = time.monotonic() + PAUSE_SECONDS

    def _run(self) -> None:
        while True:
            self._asked.get()()

    def _add(self, key: str, seconds: int, amount: int) -> int | None:
        if self.are_away():
            return None
        try:
            # The key is kept for twice the window: clocks differ, and the count is read until the window's end.
            return self._storage.incr(key, 2 * seconds, amount)
        except RedisError as error:
            self.leave_alone()
            logger.warning("counting alone", extra={"error": f"{type(error).__name__}: {error}"})
            return None


class Allowances:
    """The limits of each client, and the limit of all clients together."""

    def __init__(self, settings: Settings, redis: Redis):
        counters = Counters(redis)
        self._requests, self._messages = {}, {}
        for client in [*clients_of(settings), ANYBODY]:
            name, limits = client.name, client.limits
            self._requests[name] = Allowance(counters, "requests", name, limits.requests_per_minute, MINUTE)
            self._messages[name] = Allowance(counters, "messages", name, limits.messages_per_day, DAY)
        self._product = Allowance(counters, "all-messages", "", settings.messages_per_day, DAY)

    def take_request(self, client: Client) -> None:
        """Raises `TooManyRequests`, as `message` does."""
        self._requests[client.name].take()

    @contextmanager
    def message(self, client: Client) -> Iterator[Callable[[], None]]:
        """Takes the permits for one message. An error returns them. The caller returns them if it stores nothing."""
        own, product = self._messages[client.name], self._product
        own.take()
        try:
            product.take()
        except TooManyRequests:
            own.give_back()
            raise

        def give_back() -> None:
            own.give_back()
            product.give_back()

        try:
            yield give_back
        except Exception:
            give_back()
            raise

    def headers(self, client: Client) -> dict[str, str]:
        """The client's remaining permits, in the RateLimit header fields for HTTP (an IETF draft)."""
        both = self._requests[client.name], self._messages[client.name]
        return {
            "RateLimit-Policy": ", ".join(allowance.policy for allowance in both),
            "RateLimit": ", ".join(allowance.state() for allowance in both),
        }


def product_key(now: float) -> str:
    """The key in Redis that counts the messages of all clients on this day. `now` is in seconds since 1970."""
    return f"{Counters.prefix}:all-messages::{int(now // DAY)}"


class Allowance:
    """One limit: at most `limit` permits in each window of `seconds`."""

    def __init__(self, counters: Counters, name: str, client: str, limit: int, seconds: int):
        self._counters, self._client, self._limit, self._seconds = counters, client, limit, seconds
        self.name = name
        self.policy = f'"{name}";q={limit};w={seconds}'
        self._batch = min(max(1, limit // 100), MOST_AT_A_TIME)
        self._changed = Condition()
        self._begin(0)

    def _begin(self, window: int) -> None:
        self._window = window
        self._left = 0
        """Permits that this process has and has not given out."""
        self._alone = 0
        """Permits given out without Redis. They are not in its count yet."""
        self._spent = 0
        """Permits that this process gave out."""
        self._counted = 0
        """The last count from Redis."""
        self._is_asking = False

    def take(self) -> None:
        """Takes one permit. Raises `TooManyRequests`."""
        window = int(time.time() // self._seconds)
        with self._changed:
            if window != self._window:
                self._begin(window)
            # While this thread waited, other threads may have used up the batch.
            while not self._left and not self._is_exhausted() and not self._counters.are_away():
                self._fill()
            if self._left:
                self._left -= 1
            elif self._is_exhausted() or self._spent >= self._limit:
                self._refuse()
            else:
                self._alone += 1
            self._spent += 1

    def give_back(self) -> None:
        """Returns a permit that was not used."""
        with self._changed:
            self._left += 1
            self._spent -= 1

    def state(self) -> str:
        """One item of the RateLimit header: the remaining permits, and the seconds until the window ends."""
        remaining = self._limit - max(self._counted - self._left + self._alone, self._spent)
        return f'"{self.name}";r={max(0, remaining)};t={self._ends_in()}'

    def _is_exhausted(self) -> bool:
        return self._counted >= self._limit

    def _fill(self) -> None:
        """Requests a batch and waits for it, at most `MOMENT_SECONDS`."""
        if not self._is_asking:
            self._is_asking = True
            window, alone = self._window, self._alone
            key = f"{self.name}:{self._client}:{window}"
            self._counters.ask(
                key, self._seconds, self._batch + alone, lambda count: self._answer(window, alone, count)
            )
        if not self._changed.wait_for(lambda: self._left or not self._is_asking, MOMENT_SECONDS):
            self._counters.leave_alone()

    def _answer(self, window: int, alone: int, count: int | None) -> None:
        with self._changed:
            if window != self._window:
                return
            self._is_asking = False
            if count is not None:
                self._counted = count
                self._alone -= alone
                self._left += min(self._batch, max(0, self._limit - count + self._batch))
            self._changed.notify_all()

    def _ends_in(self) -> int:
        return math.ceil((self._window + 1) * self._seconds - time.time())

    def _refuse(self) -> None:
        metrics.refused.labels(self._client, self.name).inc()
        raise TooManyRequests(f"That is more than the limit ({self.name}).", retry_after=max(1, self._ends_in()))
