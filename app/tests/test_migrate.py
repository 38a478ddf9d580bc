"""`python -m sms.migrate`, before each version."""

import json
import time

import pytest


def migrate(stack, **environment) -> tuple[int, list[dict]]:
    process = stack.start("python", "-m", "sms.migrate", **environment)
    code = process.wait(15)
    return code, [json.loads(line) for line in process.output().splitlines()]


def indexes(stack) -> dict:
    return {name: index["key"] for name, index in stack.mongo.messages.index_information().items()}


def test_makes_the_indexes_that_the_scans_need(stack):
    code, lines = migrate(stack)
    assert code == 0
    assert indexes(stack) == {
        "_id_": [("_id", 1)],
        "status_1_not_before_1": [("status", 1), ("not_before", 1)],
        "status_1_updated_at_1": [("status", 1), ("updated_at", 1)],
    }
    assert [(line["message"], line["index"]) for line in lines] == [
        ("the index is there", "status_1_not_before_1"),
        ("the index is there", "status_1_updated_at_1"),
    ]


def test_changes_nothing_where_all_is_there(stack):
    stack.mongo.messages.create_index("of_the_operator")
    migrate(stack)
    before = indexes(stack)
    assert migrate(stack)[0] == 0
    assert indexes(stack) == before
    assert "of_the_operator_1" in before


@pytest.mark.parametrize("away", ["shut", "silence"])
def test_ends_in_time_and_with_one_clear_line_where_mongo_is_away(stack, away):
    getattr(stack.mongo_gate, away)()
    started = time.monotonic()
    code, [line] = migrate(stack, MIGRATION_TIMEOUT_SECONDS="3")
    assert time.monotonic() - started < 20
    assert (code, line["level"]) == (1, "ERROR")
    assert line["message"].startswith(
        f"MongoDB was not migrated: ServerSelectionTimeoutError: 127.0.0.1:{stack.mongo_gate.port}"
    )
    assert "topology" not in line["message"]


def test_says_that_the_password_is_wrong_and_not_which_it_is(stack):
    url = stack.environment["MONGO_URL"].replace("sms:", "sms:not-", 1)
    code, [line] = migrate(stack, MONGO_URL=url)
    assert (code, line["message"]) == (
        1,
        "MongoDB was not migrated: OperationFailure: Authentication failed.",
    )
