"""Gauges of the waiting tasks and messages. Each scrape reads them from Redis and MongoDB.

If a store doesn't answer within a second, its gauges are missing from the scrape. The scrape itself succeeds.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis

from sms.allowance import product_key
from sms.messages import Messages
from sms.queueing import waiting_seconds
from sms.settings import QueueName, Settings
from sms.stores import Questions
from sms.ticks import last_ticks

QUEUES = get_args(QueueName)


class Backlog(Collector):
    def __init__(self, settings: Settings, redis: Redis, messages: Messages):
        self._redis = redis
        self._messages = messages
        self._messages_per_day = settings.messages_per_day
        self._overdue_after = timedelta(seconds=settings.resend_after_seconds)
        self._questions = Questions(redis=self._in_redis, mongo=self._in_mongo)

    def collect(self) -> Iterator[Metric]:
        answers = self._questions.answers()
        up = GaugeMetricFamily("sms_store_up", "Whether the store answers within a second.", labels=["store"])
        for store in ("redis", "mongo"):
            up.add_metric([store], store in answers)
        yield up
        for metrics in answers.values():
            yield from metrics

    def _in_redis(self) -> list[Metric]:
        length = GaugeMetricFamily("sms_queue_length", "Tasks that wait for a worker.", labels=["queue"])
        oldest = GaugeMetricFamily("sms_queue_oldest_seconds", "How long the oldest has waited.", labels=["queue"])
        with self._redis.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.llen(queue)
                pipe.lindex(queue, -1)
            pipe.get(product_key(time.time()))
            *answers, today = pipe.execute()
        for queue, tasks, task in zip(QUEUES, answers[::2], answers[1::2], strict=True):
            length.add_metric([queue], tasks)
            if (waiting := waiting_seconds(task)) is not None:
                oldest.add_metric([queue], waiting)
        taken = GaugeMetricFamily("sms_messages_day_taken", "Messages of today that instances may send or have sent.")
        taken.add_metric([], int(today or 0))
        limit = GaugeMetricFamily("sms_messages_day_limit", "MESSAGES_PER_DAY.", self._messages_per_day)
        ticked = GaugeMetricFamily(
            "sms_beat_last_tick_timestamp_seconds", "When the last tick that beat sent was due.", labels=["entry"]
        )
        for entry, tick in last_ticks(self._redis).items():
            ticked.add_metric([entry], tick / 1000)
        return [length, oldest, taken, limit, ticked]

    def _in_mongo(self) -> list[Metric]:
        count = self._messages.count_overdue(self._overdue_after)
        return [GaugeMetricFamily("sms_messages_overdue", "Messages due longer than RESEND_AFTER_SECONDS.", count)]
