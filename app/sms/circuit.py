"""Answers at once while the store is away, in place of a wait that ends in nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread, get_ident

from pymongo.errors import PyMongoError

PAUSE_SECONDS = 0.5
SLOW_SECONDS = 1
"""A call takes milliseconds where the store is well."""


class StoreAway(PyMongoError):
    """Nobody asked the store: it didn't answer a moment ago, or it has enough to do."""


class Circuit:
    """A circuit breaker. After a failure the store is pinged, at once and then again and again; until it
    answers, every call fails without being tried. While the store is slow, at most `slow_calls` are tried at a time.

    Otherwise each request would hold its thread for 3 s, and those behind it would wait for a thread on
    top of that, the kubelet's among them. A failure that has another cause than the store's absence is over
    with the first ping.
    """

    def __init__(self, ping: Callable[[], object], slow_calls: int):
        self._ping = ping
        self._slow_calls = slow_calls
        self._is_open = False
        self._lock = Lock()
        self._last_seconds = 0.0
        self._started: dict[int, float] = {}
        """When each thread that waits began to."""

    @contextmanager
    def call(self) -> Iterator[None]:
        """Raises `StoreAway` where the call isn't worth trying."""
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
