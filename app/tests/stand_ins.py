"""What stands between the service and the world in tests."""

import itertools
import json
import os
import random
import selectors
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit, urlunsplit

# Below the ports that the kernel gives to outgoing connections: none of them takes a port before its server starts.
# Each of pytest's processes has ports of its own, and begins anywhere in them, because two runs may share a host.
_first = 12_000 + 2000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_ports = itertools.cycle(random.sample(range(_first, _first + 2000), 2000))


def free_port() -> int:
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port
    raise AssertionError


class Gate:
    """A TCP gate before a server: open, shut (connections are refused) or silent (nothing comes through)."""

    delay_seconds = 0.0
    """How long everything takes on its way, in both directions."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self._server = parts.hostname, parts.port
        self.port = free_port()
        credentials, at, _ = parts.netloc.rpartition("@")
        self.url = urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}"))
        self._silent = threading.Event()
        self._connections: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.open()

    def open(self):
        self._silent.clear()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self):
        # close() alone would leave the listener to the thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        for connection in self._connections:
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def silence(self):
        self._silent.set()

    def _accept(self, listener: socket.socket):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # shut
                return
            server = socket.create_connection(self._server)
            self._connections += [client, server]
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()

    def _pass(self, client: socket.socket, server: socket.socket):
        other = {client: server, server: client}
        with selectors.DefaultSelector() as ready, client, server:
            for side in other:
                ready.register(side, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    try:
                        received = key.fileobj.recv(65536)
                        time.sleep(self.delay_seconds)
                        if received and not self._silent.is_set():
                            other[key.fileobj].sendall(received)
                    except OSError:
                        return
                    if not received:
                        return


class FakeAliyun:
    """SendSms and QuerySendDetails as Alibaba Cloud answers them.

    `codes` are the next answers to SendSms; after them it is OK. `tells` what QuerySendDetails answers.
    """

    def __init__(self):
        self.calls: list[dict[str, str]] = []
        self.questions: list[dict[str, str]] = []
        self.tells = "OK"
        self.codes: list[str | tuple[int, str]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                query = parse_qs(urlsplit(self.path).query) | parse_qs(body)
                asked = {name: values[0] for name, values in query.items()}
                tell = fake._tell if self.headers["x-acs-action"] == "QuerySendDetails" else fake._send
                status, body = tell(asked)
                answer = json.dumps({"RequestId": "r-1"} | body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _send(self, asked: dict[str, str]) -> tuple[int, dict]:
        code = self.codes.pop(0) if self.codes else "OK"
        status, code = code if isinstance(code, tuple) else (200, code)
        self.calls.append(asked | {"code": code})
        self.go_on.wait(5)
        return status, {"Code": code, "Message": code}

    def _tell(self, asked: dict[str, str]) -> tuple[int, dict]:
        self.questions.append(asked)
        taken = [
            {"OutId": call["OutId"], "SendStatus": 1}
            for call in self.calls
            if call["code"] == "OK" and call["PhoneNumbers"].removeprefix("86") == asked["PhoneNumber"]
        ]
        first = (int(asked["CurrentPage"]) - 1) * int(asked["PageSize"])
        page = taken[first : first + int(asked["PageSize"])]
        return 200, {
            "Code": self.tells,
            "Message": self.tells,
            "TotalCount": str(len(taken)),
            "SmsSendDetailDTOs": {"SmsSendDetailDTO": page},
        }

    def ids(self) -> list[str]:
        return [call["OutId"] for call in self.calls]

    def close(self):
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
