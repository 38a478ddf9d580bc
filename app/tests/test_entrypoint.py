"""The image's entrypoint: process 1 of its own, as it is in a container."""

import json
import re
import signal
import subprocess

import psutil
import pytest
from service import APP, eventually

ENTRYPOINT = json.loads(re.search(r"^ENTRYPOINT (\[.+\])$", (APP / "Dockerfile").read_text(), re.MULTILINE)[1])


@pytest.fixture
def contain(stack):
    """Starts a command by the entrypoint, in a PID namespace; what is left of it ends with the stack."""

    def start(*command: str) -> subprocess.Popen:
        namespace = ["unshare", "--pid", "--fork", "--kill-child"]
        process = subprocess.Popen(
            [*namespace, *ENTRYPOINT, *command], cwd=APP, env=stack.environment, start_new_session=True
        )
        stack.processes.append(process)
        return process

    return start


@pytest.mark.parametrize(
    "command",
    [
        ["celery", "--app", "sms.celery", "worker"],
        ["celery", "--app", "sms.celery", "beat", "--pidfile="],
        ["python", "-m", "sms.serve"],
    ],
    ids=["worker", "beat", "web"],
)
def test_ends_what_is_told_so_before_it_can_hear(contain, command):
    container = contain(*command)

    def is_there() -> bool:
        processes = psutil.Process(container.pid).children(recursive=True)
        return any(command[-1] in process.cmdline() and "--" not in process.cmdline() for process in processes)

    eventually(is_there, within=5)
    [first] = psutil.Process(container.pid).children()
    first.send_signal(signal.SIGTERM)
    container.wait(timeout=10)


def test_passes_on_how_the_command_ended(contain):
    assert contain("sh", "-c", "exit 78").wait(timeout=5) == 78
