"""Beat's ticks: when an entry of the schedule is due, and which of its ticks were sent, by whichever beat.

A tick is an entry's name and the moment that it is due, in milliseconds since 1970. Interval schedules are
aligned to multiples of their interval, so every beat means the same by it. The last tick of each entry
lies in Redis, beside the queues, and so does the clock that all beats go by.
"""

from datetime import UTC, datetime

from celery.schedules import BaseSchedule, crontab
from kombu.transport import redis
from kombu.utils.json import dumps

KEY = "sms:beat:ticks"

# In one step, so that nothing comes between taking a tick and queueing its task: no other beat, no kill, no
# lost answer.
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
    """Queues a task only where its tick, which its headers name, was not sent before."""

    def _put(self, queue, message, **kwargs):
        headers = message["headers"]
        key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))
        with self.conn_or_acquire() as client:
            if not client.eval(SEND, 2, KEY, key, headers["beat_entry"], headers["beat_tick"], dumps(message)):
                raise AlreadySent

    def now(self) -> int:
        """By Redis' clock: those of two beats may differ, and a tick in the future would hold up all before it."""
        with self.conn_or_acquire() as client:
            seconds, microseconds = client.time()
        return seconds * 1000 + microseconds // 1000

    def last_ticks(self) -> dict[str, int]:
        with self.conn_or_acquire() as client:
            return last_ticks(client)

    def begin_with(self, entry: str, tick: int) -> None:
        """Has an entry go on from here, where nobody knows it yet."""
        with self.conn_or_acquire() as client:
            client.hsetnx(KEY, entry, tick)


def last_ticks(client) -> dict[str, int]:
    """The last tick of each entry."""
    return {entry.decode(): int(tick) for entry, tick in client.hgetall(KEY).items()}


def latest_tick(schedule: BaseSchedule, last: int, now: int) -> int:
    """The last moment up to `now` that the entry is due; `last` where there is none after it.

    Of several that nobody sent it is the last alone: a beat that was away catches up with one.
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


def _interval(schedule: BaseSchedule) -> int:
    return max(1, round(schedule.run_every.total_seconds() * 1000))
