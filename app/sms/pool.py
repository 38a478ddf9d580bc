"""The threads that run a worker's tasks."""

from celery.concurrency import thread
from celery.worker import state


class TaskPool(thread.TaskPool):
    """Celery's, able to end while a thread still works: its own fails at that, and so does the soft shutdown.

    A thread can't be killed. What it holds goes back to the queue, and the store's lease keeps anybody
    else from sending the same until that is over; the process ends when its threads do.
    """

    def terminate_job(self, pid, signal=None):
        pass

    def on_stop(self):
        is_cold = state.should_terminate
        self.executor.shutdown(wait=not is_cold, cancel_futures=True)
