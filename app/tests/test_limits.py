"""How much a client may, over all processes, with and without Redis."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from service import eventually
from test_metrics import scrape


def limited(stack, **limits) -> None:
    """Two processes of the web, in a minute that lasts a while."""
    stack.environment["CLIENTS"] = json.dumps({"shop": limits, "other": {}})
    stack.web()
    if time.time() % 60 > 40:
        time.sleep(60 - time.time() % 60)


def statuses(call, times: int) -> list[int]:
    with ThreadPoolExecutor(8) as callers:
        return [answer.status_code for answer in callers.map(lambda _: call(), range(times))]


@pytest.mark.parametrize("limit", [10, 300])
def test_a_client_asks_as_often_as_it_may_over_all_processes(stack, limit):
    limited(stack, requestsPerMinute=limit)
    answered = statuses(lambda: stack.get("/messages/shop.x"), limit + 50)
    assert set(answered) == {404, 429}
    # What one process has left of its last batch, another can't give out.
    assert limit - max(1, limit // 100) <= answered.count(404) <= limit
    assert stack.get("/messages/other.x", client="other").status_code == 404
    assert scrape(stack)['sms_refused_total{client="shop",limit="requests"}'] >= 50


def test_says_what_is_left_and_when_to_come_again(stack):
    stack.environment["WEB_WORKERS"] = "1"  # of two, each counts alone where Redis is slow to answer
    limited(stack, requestsPerMinute=3, messagesPerDay=2)
    answer = stack.post()
    assert answer.status_code == 202
    assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=60, "messages";q=2;w=86400'
    assert answer.headers["RateLimit"].startswith('"requests";r=2;t=')
    assert '"messages";r=1;t=' in answer.headers["RateLimit"]
    stack.get("/messages/shop.x")
    stack.get("/messages/shop.x")
    refused = stack.post()
    assert (refused.status_code, refused.json()["error"]["status"]) == (429, 429)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert '"requests";r=0;t=' in refused.headers["RateLimit"]


def test_a_client_sends_as_many_a_day_as_it_may(stack):
    limited(stack, messagesPerDay=5)
    assert sorted(statuses(stack.post, 8)) == [202] * 5 + [429] * 3
    assert stack.mongo.messages.count_documents({}) == 5
    assert stack.post(client="other").status_code == 202


def test_what_isnt_stored_costs_nothing(stack):
    stack.environment["WEB_WORKERS"] = "1"  # what is given back is given out by the same process
    limited(stack, messagesPerDay=2)
    key = {"Idempotency-Key": "k"}
    assert {stack.post(headers=key).status_code for _ in range(5)} == {202}
    assert stack.post(headers=key, text="else").status_code == 409
    assert stack.post(to="nobody").status_code == 400
    assert [stack.post().status_code for _ in range(2)] == [202, 429]


def test_all_clients_together_send_as_many_a_day_as_the_product_may(stack):
    stack.environment["MESSAGES_PER_DAY"] = "6"
    limited(stack)
    with ThreadPoolExecutor(8) as callers:
        clients = ["shop", "other"] * 5
        answers = list(callers.map(lambda client: stack.post(client=client).status_code, clients))
    assert sorted(answers) == [202] * 6 + [429] * 4
    scraped = scrape(stack)
    assert scraped["sms_messages_day_limit"] == 6
    assert scraped["sms_messages_day_taken"] >= 6
    assert sum(value for name, value in scraped.items() if 'limit="all-messages"' in name) == 4


@pytest.mark.parametrize("away", ["shut", "silence"])
def test_each_process_counts_alone_while_redis_is_away(stack, away):
    stack.environment["WEB_WORKERS"] = "1"
    limited(stack, requestsPerMinute=20)
    getattr(stack.redis_gate, away)()
    started = time.monotonic()
    answered = [stack.get("/messages/shop.x").status_code for _ in range(30)]
    assert time.monotonic() - started < 5
    assert answered == [404] * 20 + [429] * 10


def test_redis_learns_what_was_given_out_without_it(stack):
    stack.environment["WEB_WORKERS"] = "1"
    limited(stack, requestsPerMinute=20)
    stack.redis_gate.shut()
    for _ in range(10):
        assert stack.get("/messages/shop.x").status_code == 404
    stack.redis_gate.open()
    time.sleep(1.1)
    assert stack.get("/messages/shop.x").status_code == 404
    [key] = eventually(lambda: stack.redis.keys("sms:taken:requests:shop:*"))
    assert int(stack.redis.get(key)) >= 11
