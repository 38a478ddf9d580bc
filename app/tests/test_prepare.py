"""`python -m sms.prepare`, before each rollout: the stores first, then the migration."""


def prepare(stack, *args: str, **environment: str) -> tuple[int, list[str]]:
    process = stack.start("python", "-m", "sms.prepare", *args, **environment)
    return process.wait(15), process.output().splitlines()


def test_opens_both_stores_and_then_migrates(stack):
    code, lines = prepare(stack)
    assert code == 0
    assert [line.split(":")[0] for line in lines[:2]] == ["Redis", "MongoDB"]
    assert ["the index is there" in line for line in lines[2:]] == [True, True]


def test_migrates_nothing_where_a_store_cant_be_used(stack):
    stack.redis_gate.shut()
    code, [redis_line, mongo_line] = prepare(stack, "--redis-url-from", "sms:redisUrl")
    assert (code, mongo_line.split(":")[1]) == (1, " ok, 127.0.0.1")
    assert redis_line.startswith("Redis: FAILED: ")
    assert "sms:redisUrl" in redis_line
    assert list(stack.mongo.messages.index_information()) == ["_id_"]


def test_fails_where_the_migration_does(stack):
    stack.mongo.messages.create_index("else", name="status_1_not_before_1")
    code, lines = prepare(stack)
    assert code == 1
    assert "MongoDB was not migrated" in lines[-1]
