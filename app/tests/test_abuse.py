"""What a client or a stranger might do: the server answers with a 4xx, stays well, and says nothing of its insides."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import psutil
import pytest
import requests
from service import TOKENS, shown
from werkzeug.exceptions import TooManyRequests

from sms import bodies

BODY = {"to": "+8613800138000", "text": "hello"}
POST = "POST /messages HTTP/1.1\r\nHost: sms\r\nContent-Type: application/json\r\n"
TOKEN = f"Authorization: Bearer {TOKENS['shop']}\r\n"


def connection(web) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=10)


def answered(web, request: str | bytes, *, most: int = 4000) -> bytes:
    """The beginning of the answer to what is sent as it is."""
    with connection(web) as sent:
        sent.sendall(request.encode() if isinstance(request, str) else request)
        return sent.recv(most)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def post(body: bytes, headers: str = "") -> bytes:
    return f"{POST}{TOKEN}{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def resident_mib(stack) -> int:
    root = psutil.Process(stack.processes[0].pid)
    return sum(process.memory_info().rss for process in (root, *root.children())) >> 20


@pytest.fixture
def unharmed(web):
    """Whatever came: no traceback, no 5xx, and the next one is served."""
    yield web
    assert web.post().status_code == 202
    said = (web.directory / "log" / "web.log").read_text() + web.processes[0].output()
    assert "Traceback" not in said
    assert not [line for line in said.splitlines() if '"status": 5' in line]


@pytest.mark.parametrize("token", [TOKEN, ""], ids=["client", "stranger"])
@pytest.mark.parametrize("length", ["Content-Length: 200000000", "Transfer-Encoding: chunked"])
def test_oversized_bodies_are_neither_kept_nor_read_to_the_end(unharmed, token, length):
    before = resident_mib(unharmed)
    piece = b"x" * 65536
    framed = b"10000\r\n" + piece + b"\r\n" if "chunked" in length else piece
    with connection(unharmed) as sent:
        sent.sendall(f"{POST}{token}{length}\r\n\r\n".encode())
        with pytest.raises(OSError):
            for _ in range(3000):
                sent.sendall(framed)
        assert status(sent.recv(4000)) in ((400, 413) if token else (401,))
    assert resident_mib(unharmed) - before < 20


def test_a_client_that_sends_slowly_keeps_nobody_else_waiting(unharmed):
    slow = [connection(unharmed) for _ in range(40)]
    for sent in slow:
        sent.sendall(f"{POST}{TOKEN}Content-Length: 100\r\n\r\n{{".encode())
    time.sleep(2)
    started = time.monotonic()
    assert unharmed.get("/healthz").status_code == 200
    assert unharmed.post(client="other").status_code == 202
    assert time.monotonic() - started < 5
    refused = [sent for sent in slow if b" 429 " in received(sent)]
    # The others are waited for: by at most 6 of 8 threads in each of two processes, whichever accepted them.
    assert 6 <= len(slow) - len(refused) <= 12
    for sent in slow:
        sent.close()


def test_of_one_client_a_single_request_waits_for_a_thread(monkeypatch):
    monkeypatch.setattr(bodies, "MOMENT_SECONDS", 5)
    share = bodies.Share(threads=4)
    readers = [share.reader() for _ in range(3)]
    for reader in readers:
        reader.__enter__()
    with ThreadPoolExecutor() as threads:

        def read():
            with share.reader():
                return True

        started = time.monotonic()
        both = [threads.submit(read) for _ in range(2)]
        refused = next(as_completed(both))
        with pytest.raises(TooManyRequests):
            refused.result()
        assert time.monotonic() - started < 5
        readers[0].__exit__(None, None, None)
        assert all(waited.result() for waited in both if waited is not refused)


def received(sent: socket.socket) -> bytes:
    sent.settimeout(0.2)
    try:
        return sent.recv(4000)
    except TimeoutError:
        return b""


def test_strangers_that_send_slowly_hold_nothing(unharmed):
    slow = [connection(unharmed) for _ in range(40)]
    for sent in slow:
        sent.sendall(f"{POST}Content-Length: 100\r\n\r\n{{".encode())
    assert {status(sent.recv(4000)) for sent in slow} == {401}
    for sent in slow:
        sent.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"to": "+8613800138000", "text": ' + b"[" * 8000,
        b'{"to": "+8613800138000", "text": ' + b'{"a":' * 3000,
        b'{"to": ' + b"9" * 16000 + b"}",
        b'{"to": 1e999999, "text": NaN}',
        b'{"to": "+8613800138000", "text": "\\ud800"}',
        b'{"to": "+8613800138000", "text": "\xe9"}',
        json.dumps(BODY).encode("utf-16"),
        json.dumps(BODY).encode("utf-32"),
        b"\xef\xbb\xbf" + json.dumps(BODY).encode(),
        b'{"__proto__": {}, "to": "+8613800138000", "text": "x"}',
        b"\x00" * 1000,
    ],
)
def test_bodies_that_are_no_message_are_refused(unharmed, body):
    assert status(answered(unharmed, post(body))) == 400


def test_of_a_field_that_comes_twice_the_last_one_counts(unharmed):
    body = b'{"to": "+8613800138000", "text": "one", "text": "two"}'
    answer = unharmed.post(json=None, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202
    id = answer.json()["id"]
    assert unharmed.mongo.messages.find_one({"_id": id})["text"] == "two"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Content-Encoding: gzip\r\n", 415),
        ("Content-Encoding: br\r\n", 415),
        ("Content-Encoding: identity\r\n", 202),
        ("Expect: 100-continue\r\n", 100),
        ("Transfer-Encoding: gzip, chunked\r\n", 400),
        ("Idempotency-Key: a\x01b\r\n", 400),
        (f"Idempotency-Key: {'k' * 201}\r\n", 400),
        ("X-Forwarded-For: evil\r\nX-Forwarded-Host: evil\r\nForwarded: for=evil\r\n", 202),
    ],
)
def test_headers_that_promise_something_else(unharmed, headers, expected):
    assert status(answered(unharmed, post(json.dumps(BODY).encode(), headers))) == expected


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "nonsense", "utf-8"])
def test_json_is_utf_8_whatever_charset_is_named(unharmed, charset):
    headers = {"Content-Type": f"application/json; charset={charset}"}
    assert unharmed.post(json=None, data=json.dumps(BODY), headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("FOO /messages HTTP/1.1", 405),
        ("TRACE /messages HTTP/1.1", 405),
        ("DELETE /messages/x HTTP/1.1", 405),
        ("CONNECT elsewhere:443 HTTP/1.1", 404),
        ("GET http://elsewhere/healthz HTTP/1.1", 200),
        ("GET /messages/%00%0d%0aSet-Cookie:%20a HTTP/1.1", 404),
        ("GET /messages/%zz%ff HTTP/1.1", 404),
        ("GET /messages/../../etc/passwd HTTP/1.1", 404),
        ("GET /messages/shop.%24ne HTTP/1.1", 404),
        ("GET //messages HTTP/1.1", 405),
        (f"GET /{'a' * 60000} HTTP/1.1", 404),
        ("GET /", 400),
        ("\x16\x03\x01", 400),
    ],
)
def test_lines_that_ask_for_nothing_that_is_there(unharmed, request_line, expected):
    answer = answered(unharmed, f"{request_line}\r\nHost: sms\r\n{TOKEN}\r\n")
    assert status(answer) == expected
    assert b"Set-Cookie" not in answer.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "headers",
    [
        "X: " + "y" * 600_000,
        "\r\n".join(f"X-{i}: y" for i in range(2000)),
        "Content-Length: -5",
        "Content-Length: 5\r\nContent-Length: 6",
        "X: a\rInjected: 1",
        "X : a",
        "\x00: a",
    ],
)
def test_headers_that_cant_be_are_refused(unharmed, headers):
    assert status(answered(unharmed, f"{POST}{TOKEN}{headers}\r\n\r\n")) in (400, 431)


def test_a_length_beside_chunks_is_no_length(unharmed):
    # Who reads it otherwise would take the rest for a request of its own.
    body = json.dumps(BODY).encode()
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    request = f"{POST}{TOKEN}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n".encode() + chunked
    assert status(answered(unharmed, request)) in (202, 400)


def test_a_line_in_the_log_stays_one_line_and_short(unharmed):
    forged = '%0a{"level": "INFO", "message": "forged"}'
    unharmed.get(f"/{forged}")
    unharmed.get("/" + "b" * 5000)
    lines = (unharmed.directory / "log" / "web.log").read_text().splitlines()
    assert all(json.loads(line)["role"] == "web" for line in lines)
    assert not [line for line in lines if json.loads(line)["message"] == "forged"]
    assert max(map(len, lines)) < 1000


def test_a_long_token_is_a_wrong_one(unharmed):
    url = f"http://127.0.0.1:{unharmed.port}/messages"
    assert requests.post(url, headers={"Authorization": "Bearer " + "x" * 100_000}, timeout=10).status_code == 401
    assert (
        requests.get(f"{url}/x", headers=shown("shop") | {"Cookie": "a=" + "b" * 50_000}, timeout=10).status_code == 404
    )
