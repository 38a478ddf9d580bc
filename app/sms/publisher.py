"""Queues accepted messages in a thread, so that no request waits for the broker.

The messages are already stored. So a broker that is unavailable, hangs or can't be resolved in the DNS neither refuses
nor delays a request. `resend_stuck` queues the messages that can't be queued here.
"""

import logging
from multiprocessing.util import Finalize
from queue import Empty, Full, Queue
from threading import Thread

from sms import metrics
from sms.tasks import queue, send_queue

MOST_WAITING = 10_000
BATCH = 100
END_SECONDS = 5

logger = logging.getLogger(__name__)


class Publisher:
    """Has one thread and one connection per process. Under load it sends many messages to the broker at once."""

    def __init__(self) -> None:
        # Created now: it takes as much processor time as ten requests, which would delay the first ones.
        send_queue()
        self._ids: Queue[str | None] = Queue(MOST_WAITING)
        self._thread = Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()
        # The web's processes are created by multiprocessing, where handlers of atexit are not called.
        Finalize(None, self._end, exitpriority=1)

    def publish(self, id: str) -> None:
        try:
            self._ids.put_nowait(id)
        except Full:
            self._leave([id])

    def _run(self) -> None:
        while (first := self._ids.get()) is not None:
            ids = [first, *self._waiting(BATCH - 1)]
            if not queue(ids):
                # A failed attempt takes some seconds. The messages that arrived meanwhile get no attempt of their own.
                self._leave(self._waiting(MOST_WAITING))

    def _waiting(self, at_most: int) -> list[str]:
        ids: list[str] = []
        while len(ids) < at_most:
            try:
                id = self._ids.get_nowait()
            except Empty:
                break
            if id is None:
                self._ids.put(id)
                break
            ids.append(id)
        return ids

    def _leave(self, ids: list[str]) -> None:
        metrics.unqueued.inc(len(ids))
        logger.warning("left to resend_stuck", extra={"messages": len(ids)})

    def _end(self) -> None:
        """Queues the remaining messages, if the broker accepts them within `END_SECONDS`."""
        self._ids.put(None)
        self._thread.join(END_SECONDS)
