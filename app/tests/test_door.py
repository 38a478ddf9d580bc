"""Who is let in, and to what."""

import json
import re

import pytest
from service import eventually, hash_of
from stand_ins import free_port

WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer sms_of-nobody",
    "Bearer sms_of-the-sho",
    "Bearer sms_of-the-shop x",
    "Bearer  sms_of-the-shop",
    "Basic sms_of-the-shop",
    "sms_of-the-shop",
    f"Bearer {hash_of('sms_of-the-shop')}",
    "Bearer \u00fcml\u00e4ut".encode(),
]


@pytest.mark.parametrize("shown", WRONG)
def test_strangers_are_refused_alike_whatever_they_show(web, shown):
    headers = {} if shown is None else {"Authorization": shown}
    before = web.mongo.messages.count_documents({})
    posted = web.post(client=None, headers=headers)
    asked = web.get(f"/messages/{web.accepted()}", client=None, headers=headers)
    for answer in (posted, asked):
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer realm=sms")
        assert answer.json() == {
            "error": {
                "status": 401,
                "title": "Unauthorized",
                "detail": "A client's token is needed: Authorization: Bearer …",
            }
        }
    assert web.mongo.messages.count_documents({}) == before + 1


def test_strangers_are_refused_before_their_body_is_looked_at(web):
    assert web.post(client=None, json=None, data="{").status_code == 401


def test_nobody_sees_anothers_message_nor_whether_there_is_one(web):
    id = web.accepted(client="shop")
    assert web.get(f"/messages/{id}", client="shop").json()["id"] == id
    of_another = web.get(f"/messages/{id}", client="other")
    of_nobody = web.get("/messages/shop.nobody", client="other")
    assert of_another.status_code == 404
    assert of_another.content == of_nobody.content


def test_clients_keys_dont_collide(web):
    ids = [web.accepted(client=client, text=client, headers={"Idempotency-Key": "k"}) for client in ("shop", "other")]
    assert ids[0] != ids[1]
    assert [web.get(f"/messages/{id}", client="shop").status_code for id in ids] == [200, 404]


def test_a_client_whose_messages_a_day_are_none_may_ask_and_not_send(stack):
    stack.web(CLIENTS=json.dumps({"shop": {"messagesPerDay": 0}, "other": {}}))
    answer = stack.post()
    assert (answer.status_code, answer.json()["error"]["status"]) == (403, 403)
    assert stack.mongo.messages.count_documents({}) == 0
    assert stack.get("/messages/shop.x").status_code == 404


def test_two_tokens_are_valid_while_one_takes_the_others_place(stack):
    tokens = {"shop": [hash_of("new"), hash_of("sms_of-the-shop")], "other": []}
    stack.web(CLIENT_TOKENS=json.dumps(tokens))
    new = {"Authorization": "Bearer new"}
    ids = [stack.accepted(), stack.accepted(client=None, headers=new)]
    assert [stack.get(f"/messages/{id}", client=None, headers=new).status_code for id in ids] == [200, 200]
    assert stack.post(client="other").status_code == 401


def test_lets_anybody_in_where_it_is_open(stack):
    stack.web(CLIENTS="", CLIENT_TOKENS="", OPEN_TO_ANYBODY="true")
    id = stack.accepted(client=None)
    assert stack.get(f"/messages/{id}", client=None).json()["id"] == id


def test_what_was_there_before_clients_were_is_the_former_clients(stack):
    opened = stack.web(CLIENTS="", CLIENT_TOKENS="", OPEN_TO_ANYBODY="true")
    key = {"Idempotency-Key": "before"}
    ids = [stack.accepted(client=None), stack.accepted(client=None, headers=key)]
    assert not [id for id in ids if not re.fullmatch(r"[0-9a-f-]{36}", id)]  # as 6029f72 made them
    opened.terminate()
    opened.wait(10)
    stack.web(FORMER_CLIENT="shop", WEB_PORT=str(stack.port))
    assert [stack.get(f"/messages/{id}").json()["id"] for id in ids] == ids
    assert {stack.get(f"/messages/{id}", client="other").status_code for id in ids} == {404}
    assert stack.accepted(headers=key) == ids[1]
    assert stack.accepted(client="other", headers=key) != ids[1]


def test_a_message_has_no_field_that_an_earlier_version_doesnt_know(web):
    stored = web.mongo.messages.find_one({"_id": web.accepted()})
    fields = "_id to text status attempts not_before created_at updated_at sent_at failed_at error"
    assert set(stored) == set(fields.split())


def test_each_clients_messages_are_kept_as_long_as_it_says(stack):
    clients = {"shop": {"retentionDays": 0}, "other": {}, "former": {"retentionDays": 0}}
    tokens = {name: [hash_of(name)] for name in clients}
    environment = {"CLIENTS": json.dumps(clients), "CLIENT_TOKENS": json.dumps(tokens), "FORMER_CLIENT": "former"}
    stack.environment |= environment
    stack.web()
    ids = {name: stack.accepted(client=None, headers={"Authorization": f"Bearer {name}"}) for name in clients}
    worker = stack.worker(METRICS_PORT=str(free_port()))
    eventually(lambda: stack.mongo.messages.count_documents({"status": "sent"}) == 3)
    stack.broker.send_task("sms.tasks.purge_expired")
    eventually(lambda: '"purged"' in worker.output())
    assert [stored["_id"] for stored in stack.mongo.messages.find()] == [ids["other"]]


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"CLIENTS": "", "CLIENT_TOKENS": ""}, "OPEN_TO_ANYBODY: is false, and CLIENTS names nobody"),
        ({"OPEN_TO_ANYBODY": "true"}, "OPEN_TO_ANYBODY: is true, and CLIENTS names who may send"),
        ({"CLIENTS": "{"}, "CLIENTS: is not JSON"),
        ({"CLIENTS": '{"Shop": {}}'}, "CLIENTS: String should match pattern"),
        ({"CLIENTS": '{"shop": {"requests": 1}}'}, "CLIENTS: Extra inputs are not permitted"),
        ({"CLIENT_TOKENS": '{"shop": []}'}, "CLIENT_TOKENS: has to have the same names as CLIENTS"),
        ({"CLIENT_TOKENS": '{"shop": ["s3cret"], "other": []}'}, "CLIENT_TOKENS: String should match pattern"),
        ({"FORMER_CLIENT": "nobody"}, "FORMER_CLIENT: is none of CLIENTS"),
    ],
)
def test_a_door_that_cant_be_is_refused_at_the_start(stack, environment, fault):
    process = stack.start("python", "-m", "sms.serve", **environment)
    assert process.wait(15) == 78
    assert fault in process.output()
    assert "s3cret" not in process.output()
    assert "Traceback" not in process.output()
