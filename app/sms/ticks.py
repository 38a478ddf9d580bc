"""Beat's ticks: when an entry of the schedule is due, and which ticks any beat has sent.

A tick is an entry's name and its due time, in milliseconds since 1970. Interval schedules are aligned to multiples of
their interval, so every beat computes the same ticks. Redis stores the last tick of each entry beside the queues. All
beats use Redis' clock.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from celery.schedules import BaseSchedule, crontab
from kombu.transport import redis
from kombu.utils.json import dumps
from redis import Redis

KEY = "sms:beat:ticks"

# One script takes the tick and queues its task. So another beat, a kill or a lost answer can't come between the two.
SEND = """
local last = redis.call('HGET', KEYS[1], ARGV[1])
if last and tonumber(ARGV[2]) <= tonumber(last) then
    return 0
end
redis.call('LPUSH', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


class AlreadySent(Exception):
    """Another beat has sent this tick, or a later one."""


class TickChannel(redis.Channel):
    """Queues a task only if its tick was not sent before. The task's headers name the tick."""

    # kombu's types lack it.
    _q_for_pri: Callable[..., str]

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        headers = message["headers"]
        key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))
        with self.conn_or_acquire() as client:
            if not client.eval(SEND, 2, KEY, key, headers["beat_entry"], headers["beat_tick"], dumps(message)):
                raise AlreadySent

    def now(self) -> int:
        """Milliseconds since 1970 by Redis' clock.

        The clocks of two beats may differ, and a tick in the future would block all earlier ticks.
        """
        with self.conn_or_acquire() as client:
            seconds, microseconds = client.time()
        return int(seconds * 1000 + microseconds // 1000)

    def last_ticks(self) -> dict[str, int]:
        with self.conn_or_acquire() as client:
            return last_ticks(client)

    def begin_with(self, entry: str, tick: int) -> None:
        """Stores the first tick of an entry, if Redis has none."""
        with self.conn_or_acquire() as client:
            client.hsetnx(KEY, entry, tick)


def last_ticks(client: Redis) -> dict[str, int]:
    """The last tick of each entry."""
    ticks = cast("dict[bytes, bytes]", client.hgetall(KEY))
    return {entry.decode(): int(tick) for entry, tick in ticks.items()}


def latest_tick(schedule: BaseSchedule, last: int, now: int) -> int:
    """The latest due time up to `now`, or `last` if there is none after it.

    If several ticks were missed, this is only the latest: a beat that returns sends one tick per entry.
    """
    if not isinstance(schedule, crontab):
        return max(last, now // _interval(schedule) * _interval(schedule))
    while (following := next_tick(schedule, last)) <= now:
        last = following
    return last


def next_tick(schedule: BaseSchedule, after: int) -> int:
    if not isinstance(schedule, crontab):
        return (after // _interval(schedule) + 1) * _interval(schedule)
    start, wait, _ = schedule.remaining_delta(datetime.fromtimestamp(after / 1000, UTC))
    return int((start + wait).timestamp() * 1000)


def _interval(schedule: Any) -> int:
    seconds: float = schedule.run_every.total_seconds()
    return max(1, round(seconds * 1000))
