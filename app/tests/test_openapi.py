"""The service does what it says in /openapi.json, whatever schemathesis makes of that."""

import subprocess

import pytest
from service import BIN, TOKENS


def test_is_served_to_everybody(web):
    answer = web.get("/openapi.json", client=None)
    assert answer.status_code == 200
    assert set(answer.json()["paths"]) == {"/messages", "/messages/{id}", "/healthz", "/readyz", "/openapi.json"}


@pytest.mark.parametrize("seed", [1, 2])
def test_holds_whatever_is_asked(stack, seed):
    stack.environment["CLIENTS"] = '{"shop": {"requestsPerMinute": 1000000, "messagesPerDay": 1000000}, "other": {}}'
    web = stack.web()
    address = f"http://127.0.0.1:{stack.port}"
    command = [
        *(
            BIN / "schemathesis",
            "run",
            f"{address}/openapi.json",
            "--header",
            f"Authorization: Bearer {TOKENS['shop']}",
        ),
        *("--checks", "all", "--max-examples", "100", "--seed", str(seed), "--no-color"),
    ]
    ran = subprocess.run(command, cwd=stack.directory, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout[-8000:]
    said = (stack.directory / "log" / "web.log").read_text() + web.output()
    assert "Traceback" not in said
    assert stack.mongo.messages.count_documents({}) > 10  # good requests are among them
