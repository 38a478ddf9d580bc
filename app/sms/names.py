"""Looking up a name takes a second at most.

The resolver itself may take most of a minute over servers that don't answer, and no client's timeout
covers it. It is asked for new connections only.
"""

import socket
from concurrent.futures import Future
from functools import wraps
from threading import Thread

LIMIT_SECONDS = 1


def limit_lookups() -> None:
    """For this process; harmless to call again."""
    if not hasattr(socket.getaddrinfo, "__wrapped__"):
        socket.getaddrinfo = _limited(socket.getaddrinfo)


def _limited(resolve):
    @wraps(resolve)
    def getaddrinfo(*args, **kwargs):
        addresses: Future = Future()

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
