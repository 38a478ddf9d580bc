"""Queues accepted messages without a request that waits for it.

They are stored already, so the broker decides neither whether one is accepted nor how long that takes:
away, silent or under a name that nobody resolves, it costs the requests nothing. What can't be queued is
left to `resend_stuck`.
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
    """One thread and one connection a process: under load many messages go to the broker at once."""

    def __init__(self):
        # A new instance's first requests would pay for it else, in processor time: as much as ten of them need.
        send_queue()
        self._ids: Queue[str | None] = Queue(MOST_WAITING)
        self._thread = Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()
        # atexit's are not called in a process of multiprocessing, which the web's are.
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
                # Each attempt takes a while: what came meanwhile waits for none of its own.
                self._leave(self._waiting(MOST_WAITING))

    def _waiting(self, at_most: int) -> list[str]:
        ids = []
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
        """Queues what is left, where the broker takes it."""
        self._ids.put(None)
        self._thread.join(END_SECONDS)
