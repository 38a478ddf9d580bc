"""Which worker takes which tasks."""

import json
from base64 import b64decode

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


def test_queues_what_celery_itself_would(stack):
    code = "from sms.tasks import *; send_message.delay('x'); queue(['x', 'y'])"
    assert stack.start("python", "-c", code).wait(20) == 0
    celerys, ours, other = [json.loads(task) for task in reversed(stack.redis.lrange("sms", 0, -1))]
    for delivery in (celerys, ours, other):
        headers, properties = delivery["headers"], delivery["properties"]
        task = headers["id"]
        assert (headers.pop("id"), headers.pop("root_id"), properties.pop("correlation_id")) == (task,) * 3
        assert isinstance(headers.pop("waiting_since"), float)
        assert properties.pop("delivery_tag")
    assert ours == celerys
    assert json.loads(b64decode(other["body"]))[0] == ["y"]
    assert other["headers"]["argsrepr"] == "('y',)"
