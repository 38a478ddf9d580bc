"""A circuit breaker: while the store is unavailable, a call fails at once and doesn't wait for a time-out."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread, get_ident

from pymongo.errors import PyMongoError

PAUSE_SECONDS = 0.5
SLOW_SECONDS = 1
"""A call that takes longer is slow. A healthy store answers in milliseconds."""


class StoreAway(PyMongoError):
    """The call was not made: the store's last call failed, or too many slow calls wait for it."""


class Circuit:
    """A circuit breaker. After a failure the store is pinged at once, and then every `PAUSE_SECONDS`.

    Until a ping succeeds, every call fails without an attempt. While the store is slow, at most `slow_calls` run at a
    time. Otherwise each request would hold its thread for 3 s. The requests behind it, also the kubelet's probes,
    would wait for a thread as well. If the failure had another cause, the first ping closes the circuit again.
    """

    def __init__(self, ping: Callable[[], object], slow_calls: int):
        self._ping = ping
        self._slow_calls = slow_calls
        self._is_open = False
        self._lock = Lock()
        self._last_seconds = 0.0
        self._started: dict[int, float] = {}
        """When each waiting thread began its call."""

    @contextmanager
    def call(self) -> Iterator[None]:
        """Raises `StoreAway` if the circuit is open or too many slow calls run."""
        if self._is_open:
            raise StoreAway("it didn't answer a moment ago")
        thread, started = get_ident(), time.monotonic()
        with self._lock:
            if len(self._started) >= self._slow_calls and self._is_slow(started):
                raise StoreAway(f"{len(self._started)} calls wait for it already")
            self._started[thread] = started
        try:
            yield
        except PyMongoError:
            self._open()
            raise
        finally:
            with self._lock:
                del self._started[thread]
                self._last_seconds = time.monotonic() - started

    def _is_slow(self, now: float) -> bool:
        return max(self._last_seconds, now - min(self._started.values())) > SLOW_SECONDS

    def _open(self) -> None:
        with self._lock:
            if self._is_open:
                return
            self._is_open = True
        Thread(target=self._close_when_it_answers, name="circuit", daemon=True).start()

    def _close_when_it_answers(self) -> None:
        while True:
            try:
                self._ping()
            except PyMongoError:
                time.sleep(PAUSE_SECONDS)
            else:
                self._is_open = False
                return
