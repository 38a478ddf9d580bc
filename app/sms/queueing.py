"""Queues many messages at once, for a fraction of what Celery's own way costs.

Celery makes one task, in its own form and its broker's. The others are copies with ids of their own, and
one command takes them all.
"""

import json
import time
from base64 import b64decode, b64encode
from uuid import uuid4

from celery import Task
from kombu import Connection
from redis import Redis

MESSAGE, TASK, BODY, NOW = "<message>", "<task>", "<body>", "<now>"


class SendQueue:
    """Where workers look for the messages to be sent."""

    def __init__(self, redis: Redis, task: Task):
        self._redis = redis
        self._name, self._delivery, self._body = _example(task)

    def put(self, ids: list[str]) -> None:
        """Raises `RedisError`; they may be there all the same."""
        self._redis.lpush(self._name, *map(self._delivery_of, ids))

    def waiting_seconds(self) -> float:
        """How long the oldest of what waits has waited; 0 where it doesn't say. Raises `RedisError`."""
        return waiting_seconds(self._redis.lindex(self._name, -1)) or 0

    def _delivery_of(self, id: str) -> str:
        body = b64encode(self._body.replace(MESSAGE, id).encode()).decode()
        return (
            self._delivery.replace(BODY, body)
            .replace(MESSAGE, id)
            .replace(TASK, str(uuid4()))
            .replace(f'"{NOW}"', f"{time.time():.3f}")
        )


def _example(task: Task) -> tuple[str, str, str]:
    """The queue's name, a delivery as the broker keeps it, and its body; with placeholders."""
    with Connection("memory://") as nowhere:
        channel = nowhere.channel()
        task.apply_async((MESSAGE,), task_id=TASK, producer=task.app.amqp.Producer(channel))
        [(name, deliveries)] = channel.queues.items()
        delivery = deliveries.get()
    body = b64decode(delivery["body"]).decode()
    delivery["body"] = BODY
    delivery["headers"]["waiting_since"] = NOW
    delivery["properties"]["delivery_tag"] = TASK
    return name, json.dumps(delivery), body


def waiting_seconds(delivery: bytes | None) -> float | None:
    """How long a delivery has waited in its queue. None where it doesn't say: somebody else queued it."""
    if delivery is None:
        return 0
    since = json.loads(delivery)["headers"].get("waiting_since")
    return since and max(0, time.time() - since)
