"""Reads the bodies of requests. A limit per client keeps slow bodies from occupying all threads.

The server gives a request to a thread as soon as its headers have arrived. The thread then waits for the body without
a limit of time. A request without a client's token is refused before its body is read. One client's bodies occupy at
most three quarters of the threads.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from flask import request
from werkzeug.exceptions import TooManyRequests, UnsupportedMediaType

from sms.clients import Client

MOMENT_SECONDS = 0.1
RETRY_AFTER_SECONDS = 1


class Share:
    """The threads that one client's bodies may occupy."""

    def __init__(self, threads: int):
        self._readers = BoundedSemaphore(max(1, threads - max(1, threads // 4)))
        # Only one: a request that waits also occupies a thread.
        self._waiting = BoundedSemaphore(1)

    @contextmanager
    def reader(self) -> Iterator[None]:
        """Occupies a thread. Raises `TooManyRequests` if the client has none left."""
        if not (self._readers.acquire(blocking=False) or self._acquire_in_a_moment()):
            raise TooManyRequests("The bodies of earlier requests are not complete.", retry_after=RETRY_AFTER_SECONDS)
        try:
            yield
        finally:
            self._readers.release()

    def _acquire_in_a_moment(self) -> bool:
        if not self._waiting.acquire(blocking=False):
            return False
        try:
            return self._readers.acquire(timeout=MOMENT_SECONDS)
        finally:
            self._waiting.release()


class Bodies:
    def __init__(self, threads: int):
        self._shares: dict[str, Share] = defaultdict(lambda: Share(threads))

    def json(self, client: Client) -> bytes:
        """Reads the body, which is not parsed here.

        Raises `UnsupportedMediaType`, `TooManyRequests` or `RequestEntityTooLarge`.
        """
        if request.mimetype != "application/json" or request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMediaType("The body must be application/json and not compressed.")
        with self._shares[client.name].reader():
            return request.get_data()
