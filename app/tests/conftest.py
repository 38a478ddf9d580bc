"""Fixtures, and what the caller has to provide."""

import os

import pytest
from service import Stack


def pytest_configure():
    if missing := [name for name in ("TEST_REDIS_URL", "TEST_MONGO_URL") if not os.environ.get(name)]:
        raise pytest.UsageError(
            f"{' and '.join(missing)}: the tests need a Redis (its databases 1 to 15 are emptied) and a MongoDB"
            " (databases named sms_test_… come and go), as redis://:password@host:port/0 and"
            " mongodb://user:password@host:port/?authSource=admin"
        )


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path)
    yield stack
    stack.end()


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A stack of which only the web part runs, shared by a module's tests."""
    stack = Stack(tmp_path_factory.mktemp("web"))
    stack.web()
    yield stack
    stack.end()
