"""What clients see, through a real server with two processes."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask import Flask
from service import eventually, shown

from sms.errors import answer_as_json


def test_accepts_a_message_and_says_where_it_is(web):
    answer = web.post()
    assert answer.status_code == 202
    assert list(answer.json()) == ["id"]
    assert answer.headers["Location"] == f"/messages/{answer.json()['id']}"


def test_stores_and_queues_what_it_accepts(web):
    id = web.accepted(to="+12025550123", text="hello")
    stored = web.mongo.messages.find_one({"_id": id})
    assert (stored["to"], stored["text"], stored["status"]) == ("+12025550123", "hello", "queued")
    eventually(lambda: any(id in str(json.loads(task)["headers"]) for task in web.redis.lrange("sms", 0, -1)))


def test_shows_a_message_without_number_and_text(web):
    id = web.accepted()
    message = web.get(f"/messages/{id}").json()
    assert message.pop("created_at") == message.pop("updated_at")
    assert message == {
        "id": id,
        "status": "queued",
        "attempts": 0,
        "sent_at": None,
        "failed_at": None,
        "error": None,
    }


def test_gives_times_in_utc(web):
    created_at = web.get(f"/messages/{web.accepted()}").json()["created_at"]
    assert created_at.startswith(time.strftime("%Y-%m-%dT%H:", time.gmtime()))
    assert created_at.endswith("Z")


def test_gives_the_same_id_for_the_same_key(web):
    ids = {web.accepted(headers={"Idempotency-Key": "same"}) for _ in range(3)}
    assert len(ids) == 1


def test_stores_one_message_for_one_key_that_comes_many_times_at_once(web):
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: web.post(text="race", headers={"Idempotency-Key": "race"}), range(32)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert web.mongo.messages.count_documents({"text": "race"}) == 1


def test_refuses_a_key_that_came_with_another_message(web):
    web.accepted(text="one", headers={"Idempotency-Key": "other"})
    assert web.post(text="two", headers={"Idempotency-Key": "other"}).status_code == 409


def test_lists_every_problem_at_once(web):
    answer = web.post(json={"to": "13800138000", "text": "", "from": "me"}, headers={"Idempotency-Key": "a b"})
    assert answer.status_code == 400
    problems = {problem["field"]: problem for problem in answer.json()["error"]["problems"]}
    assert set(problems) == {"to", "text", "from", "Idempotency-Key"}
    assert problems["to"]["value"] == "13800138000"
    assert "E.164" in problems["to"]["allowed"]
    assert problems["text"]["allowed"] == "1 to 500 characters"


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"+8613800138000"', "null", '{"to": 8613800138000, "text": 1}', b'{"to": "\xff"}']
)
def test_refuses_what_is_no_message(web, body):
    answer = web.post(json=None, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["problems"]


@pytest.mark.parametrize(
    ("to", "text", "status"),
    [
        ("+1234567", "x", 202),
        ("+123456", "x", 400),
        ("+123456789012345", "x", 202),
        ("+1234567890123456", "x", 400),
        ("+0123456789", "x", 400),
        ("+8613800138000\n", "x", 400),
        ("+٨613800138000", "x", 400),
        ("+8613800138000", "😀" * 500, 202),
        ("+8613800138000", "😀" * 501, 400),
    ],
)
def test_knows_the_edges_of_number_and_text(web, to, text, status):
    assert web.post(to=to, text=text).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/messages/nobody", {}, 404),
        ("PUT", "/messages", {}, 405),
        ("POST", "/messages", {"data": "to=1"}, 415),
        ("POST", "/messages", {"json": {"to": "+8613800138000", "text": "x" * 20_000}}, 413),
    ],
)
def test_has_one_shape_for_errors(web, method, path, options, status):
    answer = requests.request(
        method, f"http://127.0.0.1:{web.port}{path}", timeout=10, headers=shown("shop"), **options
    )
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]["status"] == status
    assert {"title", "detail"} <= set(answer.json()["error"])


def test_hides_its_own_faults():
    app = Flask(__name__)
    answer_as_json(app)

    @app.get("/")
    def broken():
        raise RuntimeError("an inner detail")

    answer = app.test_client().get("/")
    assert (answer.status_code, answer.json["error"]["status"]) == (500, 500)
    assert "inner detail" not in answer.text


def test_says_which_methods_are_allowed(web):
    assert set(web.get("/messages").headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_logs_json_lines_without_numbers_and_passwords(web):
    web.accepted(to="+4915112345678")
    written = eventually(lambda: (web.directory / "log" / "web.log").read_text())
    assert all(json.loads(line)["role"] == "web" for line in written.splitlines())
    assert "/messages" in written
    assert "4915112345678" not in written
    assert "key-secret" not in written


def test_logs_no_probes_that_go_well(web):
    web.get("/healthz")
    web.get("/nowhere-else")
    eventually(lambda: "/nowhere-else" in (web.directory / "log" / "web.log").read_text())
    assert "/healthz" not in (web.directory / "log" / "web.log").read_text()
