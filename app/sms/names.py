"""Limits each look-up of a name in the DNS to one second.

If the DNS servers don't answer, the resolver may take most of a minute. No client's time-out covers that. Only new
connections need a look-up.
"""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from functools import wraps
from threading import Thread
from typing import ParamSpec, TypeVar

LIMIT_SECONDS = 1

P = ParamSpec("P")
T = TypeVar("T")


def limit_lookups() -> None:
    """Sets the limit for this process. Repeated calls change nothing."""
    if not hasattr(socket.getaddrinfo, "__wrapped__"):
        socket.getaddrinfo = _limited(socket.getaddrinfo)


def _limited(resolve: Callable[P, T]) -> Callable[P, T]:
    @wraps(resolve)
    def getaddrinfo(*args: P.args, **kwargs: P.kwargs) -> T:
        addresses: Future[T] = Future()

        def look_up() -> None:
            try:
                addresses.set_result(resolve(*args, **kwargs))
            except Exception as error:
                addresses.set_exception(error)

        Thread(target=look_up, name="look-up", daemon=True).start()
        try:
            return addresses.result(LIMIT_SECONDS)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, f"the DNS doesn't answer within {LIMIT_SECONDS} s") from None

    return getaddrinfo
