"""Numbers and texts are in MongoDB and nowhere else, and leave it when they have to."""

import json
import subprocess

import requests
from service import APP, BIN, eventually
from stand_ins import free_port

NUMBER, TEXT = "+4915112345678", "a word that is nowhere else: xylophage"
TRACES = (NUMBER[1:], "xylophage")


def person(stack, deed: str, number: str) -> tuple[int, str]:
    command = [BIN / "python", "-m", "sms.person", deed]
    ran = subprocess.run(command, cwd=APP, env=stack.environment, input=f"{number}\n", capture_output=True, text=True)
    return ran.returncode, ran.stdout + ran.stderr


def test_numbers_and_texts_are_in_no_log_metric_answer_or_queue(stack):
    worker_port = free_port()
    stack.web(LOG_LEVEL="DEBUG")
    stack.worker(METRICS_PORT=str(worker_port), LOG_LEVEL="DEBUG")
    stack.beat(LOG_LEVEL="DEBUG")
    stack.aliyun.codes = ["OK", "isp.SYSTEM_ERROR", "isv.MOBILE_NUMBER_ILLEGAL", (500, "broken")]
    key = {"Idempotency-Key": "k"}
    ids = [stack.accepted(to=NUMBER, text=TEXT, headers=key), *(stack.accepted(to=NUMBER, text=TEXT) for _ in range(3))]
    said = [stack.post(to=NUMBER, text=TEXT + "!", headers=key).text]  # refused: another message
    eventually(lambda: {stack.status(id) for id in ids} <= {"sent", "failed"}, within=30)
    stack.redis_gate.shut()
    ids.append(stack.accepted(to=NUMBER, text=TEXT))
    stack.mongo_gate.shut()
    said.append(stack.post(to=NUMBER, text=TEXT).text)
    stack.redis_gate.open()
    stack.mongo_gate.open()
    eventually(lambda: stack.post(to=NUMBER, text=TEXT).status_code == 202)
    said += [stack.get(f"/messages/{id}").text for id in ids]
    said += [stack.metrics(), requests.get(f"http://127.0.0.1:{worker_port}/metrics", timeout=5).text]
    said += [path.read_text(errors="replace") for path in stack.directory.rglob("*") if path.is_file()]
    for key in stack.redis.keys("*"):
        said.append(str(key) + str(stack.redis.dump(key)))
        if stack.redis.type(key) == b"list":
            said += map(str, stack.redis.lrange(key, 0, -1))
    assert stack.mongo.messages.count_documents({"to": NUMBER, "text": TEXT}) >= 5
    assert any(ids[0] in text for text in said)  # they were looked at
    lines = [line for text in said for line in text.splitlines()]
    assert not [line[:300] for line in lines for trace in TRACES if trace in line]


def test_a_person_is_found_and_erased_by_the_number_alone(stack):
    stack.web()
    ids = [stack.accepted(to=NUMBER, text=TEXT, client=client) for client in ("shop", "other")]
    kept = stack.accepted()
    code, output = person(stack, "find", NUMBER)
    assert code == 0
    found = [json.loads(line) for line in output.splitlines()]
    assert [message["id"] for message in found] == ids
    assert {message["status"] for message in found} == {"queued"}
    assert TEXT not in output
    assert person(stack, "erase", NUMBER) == (0, '{"erased": 2}\n')
    assert person(stack, "find", NUMBER) == (0, "")
    assert [message["_id"] for message in stack.mongo.messages.find()] == [kept]
    # What was still to be sent isn't any more.
    worker = stack.worker()
    eventually(lambda: stack.status(kept) == "sent" and worker.output().count("nothing to send") == 2)
    assert stack.aliyun.ids() == [kept]


def test_what_is_no_number_is_refused_and_a_store_that_is_away_told(stack):
    assert person(stack, "erase", "*")[0] == 2
    assert person(stack, "erase", "")[0] == 2
    stack.environment["MONGO_URL"] = stack.environment["MONGO_URL"].replace("sms:", "sms:not-", 1)
    code, output = person(stack, "find", NUMBER)
    assert (code, output) == (1, "MongoDB doesn't answer: OperationFailure\n")
