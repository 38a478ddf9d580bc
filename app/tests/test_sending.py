"""From POST to the gateway, with real workers and a real beat, also when things die on the way."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from service import eventually
from stand_ins import free_port


def test_sends_what_was_posted(stack):
    stack.web()
    stack.worker()
    id = stack.accepted(to="+8613800138000", text="验证码 1234")
    eventually(lambda: stack.status(id) == "sent")
    [call] = stack.aliyun.calls
    assert call["OutId"] == id
    assert call["PhoneNumbers"] == "8613800138000"
    assert call["SignName"] == "签名"
    assert call["TemplateCode"] == "SMS_1"
    assert json.loads(call["TemplateParam"]) == {"text": "验证码 1234"}
    message = stack.get(f"/messages/{id}").json()
    assert (message["attempts"], message["error"]) == (1, None)
    assert message["sent_at"] is not None


def test_sends_what_was_accepted_while_the_broker_was_away(stack):
    stack.web()
    stack.worker()
    stack.beat()
    stack.redis_gate.shut()
    id = stack.accepted()
    stack.redis_gate.open()
    eventually(lambda: stack.status(id) == "sent", within=30)
    assert stack.aliyun.ids() == [id]


def test_sends_once_what_a_worker_handed_over_before_it_was_killed(stack):
    id = left_behind_by_a_killed_worker(stack)
    stack.worker(RESEND_AFTER_SECONDS="3600")  # for what nobody took; this one waits for the lease alone: 5 s
    stack.beat()
    eventually(lambda: stack.status(id) == "sent", within=10)
    assert stack.aliyun.ids() == [id]
    [question] = stack.aliyun.questions
    assert question["PhoneNumber"] == "13800138000"
    assert question["SendDate"] == f"{datetime.now(UTC) + timedelta(hours=8):%Y%m%d}"
    assert stack.get(f"/messages/{id}").json()["attempts"] == 2


def test_sends_again_where_the_gateway_does_not_tell_what_it_took(stack):
    id = left_behind_by_a_killed_worker(stack)
    stack.aliyun.tells = "isp.RAM_PERMISSION_DENY"
    worker = stack.worker()
    stack.beat()
    eventually(lambda: stack.status(id) == "sent", within=30)
    assert stack.aliyun.ids() == [id, id]  # with one id, by which the gateway's reports tell them apart
    assert "isp.RAM_PERMISSION_DENY" in worker.output()


def test_finds_a_message_among_many_to_its_number(stack):
    stack.aliyun.calls = [{"OutId": f"another-{n}", "PhoneNumbers": "8613800138000", "code": "OK"} for n in range(120)]
    id = left_behind_by_a_killed_worker(stack)
    stack.worker()
    stack.beat()
    eventually(lambda: stack.status(id) == "sent", within=30)
    assert stack.aliyun.ids().count(id) == 1
    assert [question["CurrentPage"] for question in stack.aliyun.questions] == ["1", "2", "3"]


def left_behind_by_a_killed_worker(stack) -> str:
    """The id of a message that the gateway took, as nobody but the gateway knows."""
    stack.web()
    worker = stack.worker()
    stack.aliyun.go_on.clear()
    id = stack.accepted()
    eventually(lambda: id in stack.aliyun.ids())
    assert stack.redis.hlen("unacked") == 1  # late acks: the broker has it still
    os.killpg(worker.pid, signal.SIGKILL)
    stack.aliyun.go_on.set()
    assert stack.status(id) == "sending"
    return id


def test_sends_once_what_is_delivered_many_times(stack):
    # The deliveries come while the first is being sent, and after it.
    stack.web()
    worker = stack.worker()
    stack.aliyun.go_on.clear()
    id = stack.accepted()
    eventually(lambda: stack.aliyun.ids() == [id])
    deliver(stack, id, times=5)
    eventually(lambda: worker.output().count("nothing to send") == 5)
    stack.aliyun.go_on.set()
    eventually(lambda: stack.status(id) == "sent")
    stack.mongo.messages.update_one({"_id": id}, {"$set": {"not_before": datetime.now(UTC)}})  # no lease any more
    deliver(stack, id, times=5)
    eventually(lambda: worker.output().count("nothing to send") == 10)
    assert stack.aliyun.ids() == [id]


def test_sends_once_what_many_workers_take_at_once(stack):
    stack.web()
    ids = [stack.accepted() for _ in range(20)]
    stack.redis.delete("sms")  # so that a message's deliveries stand side by side
    for id in ids:
        deliver(stack, id, times=8)
    for _ in range(2):
        stack.worker(WORKER_THREADS="16")
    eventually(lambda: {stack.status(id) for id in ids} == {"sent"})
    eventually(lambda: stack.redis.llen("sms") == 0 and stack.redis.hlen("unacked") == 0)
    assert sorted(stack.aliyun.ids()) == sorted(ids)


def deliver(stack, id, times):
    for _ in range(times):
        stack.broker.send_task("sms.tasks.send_message", (id,))


def test_retries_a_temporary_failure(stack):
    stack.web()
    stack.worker()
    stack.aliyun.codes = ["isv.BUSINESS_LIMIT_CONTROL", (503, "ServiceUnavailable")]
    id = stack.accepted()
    eventually(lambda: stack.status(id) == "sent")
    assert stack.aliyun.ids() == [id] * 3


def test_gives_up_after_the_last_attempt(stack):
    stack.web()
    worker = stack.worker()
    stack.aliyun.codes = ["isp.SYSTEM_ERROR"] * 9
    id = stack.accepted()
    eventually(lambda: stack.status(id) == "failed")
    assert stack.aliyun.ids() == [id] * 3
    message = stack.get(f"/messages/{id}").json()
    assert (message["attempts"], message["error"]) == (3, "isp.SYSTEM_ERROR")
    assert message["failed_at"] is not None
    assert "8613800138000" not in worker.output()


def test_gives_up_at_once_what_can_never_be_sent(stack):
    stack.web()
    stack.worker()
    stack.aliyun.codes = ["isv.MOBILE_NUMBER_ILLEGAL"]
    id = stack.accepted()
    eventually(lambda: stack.status(id) == "failed")
    assert stack.aliyun.ids() == [id]


def test_bounds_an_attempt_at_a_silent_gateway_and_keeps_the_number_out_of_the_log(stack):
    stack.web()
    worker = stack.worker(SEND_MAX_ATTEMPTS="1")
    stack.aliyun.go_on.clear()
    id = stack.accepted()
    eventually(lambda: stack.status(id) == "failed", within=20)
    assert stack.get(f"/messages/{id}").json()["error"] == "no answer"
    assert "13800138000" not in worker.output()


def test_waits_for_the_store_and_sends_then(stack):
    stack.web()
    id = stack.accepted()
    stack.mongo_gate.shut()
    worker = stack.worker()
    eventually(lambda: stack.redis.hlen("unacked") == 1 and stack.redis.llen("sms") == 0)
    stack.mongo_gate.open()
    eventually(lambda: stack.status(id) == "sent", within=20)
    assert worker.poll() is None


def test_finishes_what_it_is_sending_before_it_stops(stack):
    stack.web()
    worker = stack.worker()
    stack.aliyun.go_on.clear()
    id = stack.accepted()
    eventually(lambda: stack.aliyun.ids() == [id])
    worker.terminate()
    eventually(lambda: "Warm shutdown" in worker.output())
    stack.aliyun.go_on.set()
    assert worker.wait(10) == 0
    assert stack.status(id) == "sent"


def test_gives_what_does_not_end_back_to_the_queue_in_a_soft_shutdown(stack):
    stack.web()
    worker = stack.worker(WORKER_SOFT_SHUTDOWN_SECONDS="1", GATEWAY_TIMEOUT_SECONDS="10", SEND_LEASE_SECONDS="41")
    stack.aliyun.go_on.clear()
    id = stack.accepted()
    eventually(lambda: stack.aliyun.ids() == [id])
    os.kill(worker.pid, signal.SIGQUIT)
    eventually(lambda: (stack.redis.hlen("unacked"), stack.redis.llen("sms")) == (0, 1), within=8)
    assert worker.poll() is None  # its thread can't be killed, and may still succeed
    stack.worker()
    eventually(lambda: stack.redis.llen("sms") == 0)
    stack.aliyun.go_on.set()
    assert worker.wait(10) == 0
    assert (stack.status(id), stack.aliyun.ids()) == ("sent", [id])


def test_leaves_one_line_for_each_call_of_the_gateway_that_only_logs(stack):
    stack.web()
    worker = stack.worker(SMS_GATEWAY="log")
    ids = [stack.accepted() for _ in range(5)]
    eventually(lambda: all(stack.status(id) == "sent" for id in ids))
    for _ in range(2):
        deliver(stack, ids[0], times=1)
    eventually(lambda: worker.output().count("nothing to send") == 2)
    lines = [json.loads(line) for line in (stack.directory / "log" / "worker.log").read_text().splitlines()]
    assert sorted(line["message_id"] for line in lines if line["message"] == "would send") == sorted(ids)


def test_gives_waiting_retries_back_when_it_stops(stack):
    stack.web()
    worker = stack.worker(SEND_RETRY_BASE_SECONDS="1000", SEND_RETRY_MAX_SECONDS="1000")
    stack.aliyun.codes = ["isp.SYSTEM_ERROR"]
    id = stack.accepted()
    eventually(lambda: stack.get(f"/messages/{id}").json()["error"])
    eventually(lambda: stack.redis.hlen("unacked") == 1)
    worker.terminate()
    assert worker.wait(10) == 0
    assert (stack.redis.hlen("unacked"), stack.redis.llen("sms")) == (0, 1)


@pytest.mark.parametrize("away", ["shut", "silence"])
def test_shows_its_heartbeats_while_the_broker_is_away(stack, away):
    stack.worker()
    stack.beat()
    files = [stack.directory / "worker.heartbeat", stack.directory / "beat.heartbeat"]
    eventually(lambda: all(file.exists() for file in files))
    getattr(stack.redis_gate, away)()
    away_since = time.time()
    eventually(lambda: all(file.stat().st_mtime > away_since + 6 for file in files), within=16)


def test_purges_what_was_finished_long_ago_and_nothing_else(stack):
    now = datetime.now(UTC)

    def message(id, status, age):
        return {"_id": id, "status": status, "updated_at": now - age, "not_before": now + timedelta(days=1)}

    stack.mongo.messages.insert_many(
        [
            message("old-sent", "sent", timedelta(days=8)),
            message("old-failed", "failed", timedelta(days=8)),
            message("old-queued", "queued", timedelta(days=8)),
            message("new-sent", "sent", timedelta(days=6)),
        ]
    )
    stack.worker(MESSAGE_RETENTION_DAYS="7")
    stack.broker.send_task("sms.tasks.purge_expired")
    eventually(lambda: stack.mongo.messages.count_documents({}) == 2)
    assert {stored["_id"] for stored in stack.mongo.messages.find()} == {"old-queued", "new-sent"}


def test_queues_what_the_broker_lost_again_and_only_once(stack):
    stack.web()
    id = stack.accepted()
    eventually(lambda: stack.redis.llen("sms") == 1)
    stack.redis.delete("sms")  # the broker lost it
    stack.mongo.messages.update_one({"_id": id}, {"$set": {"not_before": datetime.now(UTC) - timedelta(seconds=61)}})
    worker = stack.worker(RESEND_AFTER_SECONDS="60", WORKER_THREADS="1")  # one round after the other
    for _ in range(5):
        stack.broker.send_task("sms.tasks.resend_stuck")
    eventually(lambda: stack.status(id) == "sent")
    assert worker.output().count("queued again") == 1


def test_leaves_alone_what_waits_in_a_long_queue(stack):
    stack.web()
    for _ in range(20):
        stack.accepted()
    eventually(lambda: stack.redis.llen("sms") == 20)
    lost = stack.accepted()
    eventually(lambda: stack.redis.llen("sms") == 21)
    stack.redis.lpop("sms")  # the broker lost the newest
    worker = stack.worker(WORKER_QUEUES="sms-maintenance", RESEND_AFTER_SECONDS="1")
    for _ in range(3):
        time.sleep(1)
        stack.broker.send_task("sms.tasks.resend_stuck", queue="sms-maintenance")
    eventually(lambda: stack.redis.llen("sms-maintenance") == 0)
    assert stack.redis.llen("sms") == 20
    stack.worker(RESEND_AFTER_SECONDS="1")
    eventually(lambda: stack.mongo.messages.count_documents({"status": "sent"}) == 20)
    stack.broker.send_task("sms.tasks.resend_stuck", queue="sms-maintenance")
    eventually(lambda: stack.status(lost) == "sent")
    assert worker.output().count("queued again") <= 1


def test_serves_the_workers_metrics(stack):
    port = free_port()
    stack.web()
    stack.worker(METRICS_PORT=str(port))
    id = stack.accepted()
    eventually(lambda: stack.status(id) == "sent")
    assert "sms_messages_sent_total 1.0" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
