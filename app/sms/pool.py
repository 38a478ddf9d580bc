"""The threads that run a worker's tasks."""

from concurrent.futures import Executor

from celery.concurrency import thread
from celery.worker import state


class TaskPool(thread.TaskPool):
    """Celery's thread pool, which can also end while a thread still works.

    Celery's own pool fails then, and the soft shutdown fails with it. A thread can't be killed. Its task returns to the
    queue, and the lease in the store stops other workers from sending the same message. The process ends when its
    threads end.
    """

    # Celery's types lack it.
    executor: Executor

    def terminate_job(self, pid: int, signal: int | None = None) -> None:
        pass

    def on_stop(self) -> None:
        is_cold = state.should_terminate
        self.executor.shutdown(wait=not is_cold, cancel_futures=True)
