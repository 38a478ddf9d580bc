"""Answers at once while the store is away, in place of a wait that ends in nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread

from pymongo.errors import PyMongoError

PAUSE_SECONDS = 0.5


class StoreAway(PyMongoError):
    """Nobody asked the store: it didn't answer a moment ago."""


class Circuit:
    """A circuit breaker. After a failure the store is pinged, at once and then again and again; until it
    answers, every call fails without being tried.

    Otherwise each request would hold its thread for 3 s, and those behind it would wait for a thread on
    top of that. A failure that has another cause than the store's absence is over with the first ping.
    """

    def __init__(self, ping: Callable[[], object]):
        self._ping = ping
        self._is_open = False
        self._lock = Lock()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Raises `StoreAway` where the call isn't worth trying."""
        if self._is_open:
            raise StoreAway("it didn't answer a moment ago")
        try:
            yield
        except PyMongoError:
            self._open()
            raise

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
