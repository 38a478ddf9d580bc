"""`request_cost.py BEFORE AFTER [ROUNDS]`: compares the web's CPU time per POST in two versions of the app, in turns.

BEFORE and AFTER are folders like app/. TEST_REDIS_URL and TEST_MONGO_URL name the stores, as in the app's tests. Run it
with the Python of their environment. The load comes from the same machine, so only the server's CPU time is counted.
"""

import hashlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOKEN, CLIENTS, REQUESTS = "sms_of-the-bench", 8, 480
BODY = json.dumps({"to": "+8613800138000", "text": "what does it cost?"})
HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}


def start(app: str, port: int) -> subprocess.Popen:
    folder = tempfile.mkdtemp(prefix="request-cost-")
    environment = {
        "PATH": os.environ["PATH"],
        "ENV": "test",
        "REDIS_URL": os.environ["TEST_REDIS_URL"],
        "MONGO_URL": os.environ["TEST_MONGO_URL"].replace("/sms?", "/sms_request_cost?"),
        "CLIENTS": json.dumps({"bench": {"requestsPerMinute": 1_000_000, "messagesPerDay": 1_000_000_000}}),
        "CLIENT_TOKENS": json.dumps({"bench": [hashlib.sha256(TOKEN.encode()).hexdigest()]}),
        "MESSAGES_PER_DAY": "1000000000",
        "WEB_PORT": str(port),
        "METRICS_PORT": "0",
        "LOG_DIR": folder,
        **{name: f"{folder}/{name}" for name in ("DRAIN_FILE", "READY_FILE", "METRICS_DIR")},
    }
    command = [sys.executable, "-m", "sms.serve"]
    server = subprocess.Popen(command, cwd=app, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        time.sleep(0.1)
        try:
            if ask(port, 1) == {202}:
                return server
        except OSError:
            pass
    raise SystemExit(f"{app} doesn't start")


def ask(port: int, times: int) -> set[int]:
    statuses, connection = set(), http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(times):
        connection.request("POST", "/messages", BODY, HEADERS)
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
    connection.close()
    return statuses


def cpu_seconds(pid: int) -> float:
    """The CPU seconds of a process and its child processes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, map(int, children)))


def round_of(server: subprocess.Popen, port: int) -> float:
    """Runs one round. Returns the CPU milliseconds per request."""
    before = cpu_seconds(server.pid)
    clients = [threading.Thread(target=ask, args=(port, REQUESTS // CLIENTS)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return (cpu_seconds(server.pid) - before) * 1000 / REQUESTS


def in_turn(servers: list[tuple[subprocess.Popen, int]], first: int) -> list[float]:
    """Measures both servers, beginning with number `first`. Returns their costs in milliseconds per request."""
    costs = {i: round_of(*servers[i]) for i in (first, 1 - first)}
    return [costs[0], costs[1]]


def main() -> None:
    apps, rounds = sys.argv[1:3], int((sys.argv[3:] or ["60"])[0])
    servers = [(start(app, 18100 + i), 18100 + i) for i, app in enumerate(apps)]
    try:
        for server, port in servers:
            round_of(server, port)  # A warm-up: connections and caches are created on first use.
        costs = [in_turn(servers, first=i % 2) for i in range(rounds)]
    finally:
        for server, _ in servers:
            server.terminate()
    before, after = zip(*costs, strict=True)
    ratios = sorted(b / a for a, b in costs)
    print(f"before {statistics.median(before):.3f} ms, after {statistics.median(after):.3f} ms a POST")
    print(f"ratio of the medians {statistics.median(after) / statistics.median(before):.3f};", end=" ")
    print(f"of pairs: median {statistics.median(ratios):.3f}, from {ratios[0]:.3f} to {ratios[-1]:.3f}")


main()
