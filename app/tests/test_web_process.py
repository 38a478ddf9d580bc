"""How the web part starts, drains, stops, and what it does when a store is away."""

import http.client
import os
import re
import signal
import threading
import time

import psutil
import pytest
from service import APP, eventually


def timed(call):
    started = time.monotonic()
    return call(), time.monotonic() - started


def test_accepts_a_message_while_redis_is_away(stack):
    stack.web()
    stack.redis_gate.shut()
    answer, seconds = timed(stack.post)
    assert answer.status_code == 202
    assert seconds < 2
    assert stack.status(answer.json()["id"]) == "queued"


def test_accepts_a_message_while_redis_is_silent_in_bounded_time(stack):
    stack.web()
    stack.accepted()
    stack.redis_gate.silence()
    answer, seconds = timed(stack.post)
    assert answer.status_code == 202
    assert seconds < 3


@pytest.mark.parametrize("away", ["shut", "silence"])
def test_answers_503_in_bounded_time_while_mongo_is_away(stack, away):
    stack.web()
    stack.accepted()
    getattr(stack.mongo_gate, away)()
    answer, seconds = timed(stack.post)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["status"] == 503
    assert seconds < 4
    stack.mongo_gate.open()
    eventually(lambda: stack.post().status_code == 202)


@pytest.mark.parametrize(("store", "away"), [("redis", "shut"), ("redis", "silence"), ("mongo", "silence")])
def test_is_not_ready_while_a_store_is_away_and_names_it(stack, store, away):
    stack.web()
    assert stack.get("/readyz").status_code == 200
    getattr(getattr(stack, f"{store}_gate"), away)()
    answer, seconds = timed(lambda: stack.get("/readyz"))
    assert answer.status_code == 503
    assert answer.json()["error"]["detail"] == f"no answer from {store}"
    assert seconds < 1.5
    assert stack.get("/healthz").status_code == 200


def test_counts_over_all_workers_and_keeps_the_count_when_one_dies(stack):
    web = stack.web()
    for _ in range(20):
        stack.accepted()
    assert count(stack, "sms_messages_accepted_total") == 20
    victim = psutil.Process(web.pid).children()[0]
    victim.kill()
    eventually(lambda: web.output().count("Booting worker") == 3)
    stack.accepted()
    assert count(stack, "sms_messages_accepted_total") == 21
    assert count(stack, 'sms_http_requests_total{method="POST",route="/messages",status="202"}') == 21


def count(stack, name: str) -> float:
    exposition = stack.get("/metrics").text
    return float(re.search(rf"^{re.escape(name)} (\S+)$", exposition, re.MULTILINE)[1])


def test_counts_routes_and_known_methods_only(stack):
    stack.web()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port)
    connection.request("INVENTED", "/messages/1")
    connection.getresponse().read()
    stack.get("/messages/2")
    assert count(stack, 'sms_http_requests_total{method="other",route="none",status="405"}') == 1
    assert count(stack, 'sms_http_requests_total{method="GET",route="/messages/<id>",status="404"}') == 1


def test_drains_while_the_drain_file_is_there(stack):
    stack.web()
    assert stack.get("/healthz").headers["Connection"] == "keep-alive"
    (stack.directory / "draining").touch()
    answer = stack.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["detail"]) == (503, "draining")
    answer = stack.post()
    assert (answer.status_code, answer.headers["Connection"]) == (202, "close")


def test_takes_no_notice_of_a_drain_file_from_before_its_start(stack):
    (stack.directory / "draining").touch()
    stack.web()
    assert stack.get("/readyz").status_code == 200


def test_ends_what_it_has_begun_after_sigterm_and_is_not_ready_meanwhile(stack):
    web = stack.web(WEB_WORKERS="1")
    kept = http.client.HTTPConnection("127.0.0.1", stack.port)
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    assert stack.get("/readyz").ok
    stack.redis_gate.silence()  # a POST now takes seconds
    answers = []
    posting = threading.Thread(target=lambda: answers.append(stack.post()))
    posting.start()
    eventually(lambda: stack.mongo.messages.count_documents({}) == 1)
    os.kill(web.pid, signal.SIGTERM)
    eventually(lambda: "Worker exiting" in web.output() or "Handling signal: term" in web.output())
    kept.request("GET", "/readyz")
    answer = kept.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (503, "close")
    assert b"draining" in answer.read()
    posting.join()
    assert answers[0].status_code == 202
    assert web.wait(10) == 0


def test_has_failed_where_it_is_stopped_before_it_ever_got_ready(stack):
    (stack.directory / "was-ready").touch()  # an earlier process was
    stack.redis_gate.shut()
    web = stack.web()
    assert stack.get("/readyz").status_code == 503
    web.terminate()
    assert web.wait(10) == 1
    assert '"store": "redis"' in web.output()


def test_writes_only_where_it_may(stack):
    before = {path for path in APP.rglob("*") if "cache" not in str(path)}
    web = stack.web()
    stack.accepted()
    web.terminate()
    web.wait(10)
    assert not (stack.directory / "home").exists()
    assert {path for path in APP.rglob("*") if "cache" not in str(path)} == before
