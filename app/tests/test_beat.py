"""The schedule, with real beats: each tick is sent once, whatever becomes of those who send it."""

import json
import os
import random
import signal
import time

from service import eventually

HALF_A_SECOND = {"RESEND_INTERVAL_SECONDS": "0.5"}


def sent_ticks(stack) -> list[int]:
    """The ticks of resend_stuck in the order in which they were queued."""
    headers = [json.loads(task)["headers"] for task in stack.redis.lrange("sms-maintenance", 0, -1)]
    return [header["beat_tick"] for header in reversed(headers) if header["beat_entry"] == "resend_stuck"]


def test_sends_each_tick_once_though_two_beats_are_paused_killed_and_replaced(stack):
    stack.redis_gate.delay_seconds = 0.03  # between looking and sending there is time for the other
    beats = [stack.beat(**HALF_A_SECOND), stack.beat(**HALF_A_SECOND)]
    chance = random.Random(5)
    for _ in range(16):
        victim = chance.randrange(2)
        if chance.random() < 0.25:
            os.killpg(beats[victim].pid, signal.SIGKILL)
            beats[victim] = stack.beat(**HALF_A_SECOND)
        else:
            os.killpg(beats[victim].pid, signal.SIGSTOP)
            time.sleep(chance.uniform(0.1, 0.9))
            os.killpg(beats[victim].pid, signal.SIGCONT)
    eventually(lambda: all('"tick"' in beat.output() for beat in beats) and len(sent_ticks(stack)) > 10)
    ticks = sent_ticks(stack)
    assert ticks == sorted(set(ticks))


def test_is_on_time(stack):
    stack.beat(**HALF_A_SECOND)
    eventually(lambda: len(sent_ticks(stack)) > 3)

    def is_current() -> bool:
        last = sent_ticks(stack)[-1]
        seconds, microseconds = stack.redis.time()
        late = seconds * 1000 + microseconds / 1000 - last
        assert late >= 0
        return late < 600

    eventually(is_current)  # on a busy machine beat or this test may be late once


def test_makes_up_for_what_it_missed_with_one_tick(stack):
    first = stack.beat(**HALF_A_SECOND)
    eventually(lambda: sent_ticks(stack))
    os.killpg(first.pid, signal.SIGKILL)
    before = sent_ticks(stack)
    now = int(time.time() * 1000)
    two_days = 2 * 24 * 3600 * 1000
    stack.redis.hset("sms:beat:ticks", mapping={"purge_expired": now - two_days, "resend_stuck": now - two_days})
    stack.beat(**HALF_A_SECOND)
    eventually(lambda: len(sent_ticks(stack)) >= len(before) + 3)
    assert sent_ticks(stack)[len(before)] >= now - 500
    names = [json.loads(task)["headers"]["beat_entry"] for task in stack.redis.lrange("sms-maintenance", 0, -1)]
    assert names.count("purge_expired") == 1


def test_begins_with_the_next_tick_where_nobody_knows_of_one(stack):
    stack.beat(RESEND_INTERVAL_SECONDS="3600")
    eventually(lambda: stack.redis.hlen("sms:beat:ticks") == 2)
    assert stack.redis.llen("sms-maintenance") == 0


def test_loses_no_tick_while_redis_is_away_and_sends_none_twice(stack):
    beat = stack.beat(**HALF_A_SECOND)
    eventually(lambda: sent_ticks(stack))
    for away in ("shut", "silence"):
        count = len(sent_ticks(stack))
        getattr(stack.redis_gate, away)()
        eventually(lambda: "no tick was sent" in beat.output())
        time.sleep(1)
        stack.redis_gate.open()
        eventually(lambda count=count: len(sent_ticks(stack)) > count + 2)
    ticks = sent_ticks(stack)
    assert ticks == sorted(set(ticks))


def test_goes_on_where_redis_lost_its_memory(stack):
    stack.beat(RESEND_INTERVAL_SECONDS="2")  # long enough for a busy machine to miss none
    eventually(lambda: sent_ticks(stack))
    before = sent_ticks(stack)
    stack.redis.delete("sms:beat:ticks")
    eventually(lambda: len(sent_ticks(stack)) > len(before) + 2)
    ticks = sent_ticks(stack)
    assert ticks == list(range(ticks[0], ticks[-1] + 2000, 2000))


def test_a_change_of_the_interval_takes_effect_at_once(stack):
    first = stack.beat(RESEND_INTERVAL_SECONDS="0.2")
    eventually(lambda: sent_ticks(stack))
    os.killpg(first.pid, signal.SIGKILL)
    count = len(sent_ticks(stack))
    stack.beat(RESEND_INTERVAL_SECONDS="1")
    eventually(lambda: len(sent_ticks(stack)) > count + 1, within=6)
    assert sent_ticks(stack)[-1] % 1000 == 0
