"""What Prometheus gets, from the web and from workers."""

import re
import time

import pytest
import requests
from service import eventually
from stand_ins import free_port


def series(exposition: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", exposition, re.MULTILINE)}


def scrape(stack) -> dict[str, float]:
    return series(stack.metrics())


def test_shows_how_many_tasks_wait_and_for_how_long(stack):
    stack.web()
    assert scrape(stack)['sms_queue_oldest_seconds{queue="sms"}'] == 0
    first = time.time()
    stack.accepted()
    stack.accepted()
    eventually(lambda: stack.redis.llen("sms") == 2)
    time.sleep(1)
    scraped = scrape(stack)
    assert scraped['sms_queue_length{queue="sms"}'] == 2
    assert 1 < scraped['sms_queue_oldest_seconds{queue="sms"}'] < time.time() - first
    assert scraped['sms_queue_length{queue="sms-maintenance"}'] == 0


def test_a_retry_that_nobody_takes_waits_from_the_moment_it_is_due(stack):
    stack.web()
    stack.broker.send_task("sms.tasks.send_message", ("x",))  # without the app's own header: it says nothing
    assert 'sms_queue_oldest_seconds{queue="sms"}' not in scrape(stack)
    stack.redis.delete("sms")
    worker = stack.worker(SEND_RETRY_BASE_SECONDS="1000", SEND_RETRY_MAX_SECONDS="1000")
    stack.aliyun.codes = ["isp.SYSTEM_ERROR"]
    stack.accepted()
    eventually(lambda: "to be retried" in worker.output())
    worker.terminate()
    worker.wait(10)
    assert (stack.redis.llen("sms"), scrape(stack)['sms_queue_oldest_seconds{queue="sms"}']) == (1, 0)


def test_shows_beats_last_tick(stack):
    stack.web()
    stack.beat(RESEND_INTERVAL_SECONDS="0.5")
    eventually(lambda: stack.redis.llen("sms-maintenance") > 0)
    ticked = scrape(stack)['sms_beat_last_tick_timestamp_seconds{entry="resend_stuck"}']
    assert ticked % 0.5 == 0
    assert 0 <= time.time() - ticked < 10


def test_counts_the_messages_that_are_overdue(stack):
    stack.web()
    stack.redis_gate.shut()
    stack.accepted()
    stack.accepted()
    assert scrape(stack)["sms_messages_overdue"] == 0
    eventually(lambda: scrape(stack)["sms_messages_overdue"] == 2)


@pytest.mark.parametrize(
    ("store", "gone"), [("redis", "sms_queue_length"), ("mongo", "sms_messages_overdue")], ids=["redis", "mongo"]
)
@pytest.mark.parametrize("away", ["shut", "silence"])
def test_a_store_that_is_away_costs_its_own_gauges_and_not_the_scrape(stack, store, gone, away):
    stack.web()
    assert scrape(stack)[f'sms_store_up{{store="{store}"}}'] == 1
    getattr(getattr(stack, f"{store}_gate"), away)()
    started = time.monotonic()
    scraped = scrape(stack)
    assert time.monotonic() - started < 5
    assert scraped[f'sms_store_up{{store="{store}"}}'] == 0
    assert sum(up for name, up in scraped.items() if name.startswith("sms_store_up")) == 1
    assert not [name for name in scraped if name.startswith(gone)]
    assert "sms_messages_accepted_total" in scraped


def test_a_worker_shows_how_long_tasks_took_and_how_they_ended(stack):
    port = free_port()
    stack.web()
    stack.worker(METRICS_PORT=str(port))
    stack.aliyun.codes = ["isp.SYSTEM_ERROR"]
    id = stack.accepted()
    eventually(lambda: stack.status(id) == "sent")
    stack.broker.send_task("sms.tasks.send_message")  # lacks its argument

    def counted() -> dict[str, float]:
        exposition = series(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text)
        return {name: count for name, count in exposition.items() if name.startswith("sms_task_seconds_count")}

    eventually(lambda: len(counted()) == 3)
    assert counted() == {
        f'sms_task_seconds_count{{outcome="{outcome}",task="sms.tasks.send_message"}}': 1
        for outcome in ("failed", "retried", "succeeded")
    }


def test_are_not_where_requests_are_answered(web):
    assert web.get("/metrics").status_code == 404
    assert "sms_http_requests_total" in web.metrics()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_strangers_are_told_a_status_and_nothing_else(web, path):
    answer = web.get(path)
    assert list(answer.json()) == ["status"]
    assert set(answer.headers) <= {"content-type", "content-length", "connection", "server", "date"}
