"""Which worker takes which tasks."""

import pytest
from service import eventually


def test_a_worker_takes_what_it_is_told_to_and_nothing_else(stack):
    stack.web()
    worker = stack.worker(WORKER_QUEUES="sms-maintenance")
    id = stack.accepted()
    stack.broker.send_task("sms.tasks.purge_expired", queue="sms-maintenance")
    eventually(lambda: "purged" in worker.output())
    assert (stack.status(id), stack.redis.llen("sms")) == ("queued", 1)


@pytest.mark.parametrize("queues", ["", "sms-maintenance, sms"])
def test_a_worker_takes_all_queues_unless_it_is_told_otherwise(stack, queues):
    stack.web()
    worker = stack.worker(WORKER_QUEUES=queues)
    id = stack.accepted()
    stack.broker.send_task("sms.tasks.purge_expired", queue="sms-maintenance")
    eventually(lambda: stack.status(id) == "sent" and "purged" in worker.output())


def test_beats_tasks_never_wait_behind_messages(stack):
    stack.web()
    stack.beat()
    stack.accepted()
    eventually(lambda: stack.redis.llen("sms-maintenance") == 1)
    assert stack.redis.llen("sms") == 1
