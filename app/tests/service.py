"""The service as it really runs, web, worker and beat as processes, before a Redis and a MongoDB
that the caller provides and one fake: Alibaba Cloud's endpoint."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pymongo
import redis
import requests
from celery import Celery
from stand_ins import FakeAliyun, Gate, free_port

APP = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
TOKENS = {"shop": "sms_of-the-shop", "other": "sms_of-another"}
"""Of the clients that a stack has."""
COVERAGE = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""For each process, while coverage is measured."""
if COVERAGE:
    COVERAGE["PYTHONPATH"] = str(APP / "tests" / "measured")


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def shown(client: str | None) -> dict[str, str]:
    """The headers of a request of the client; a stranger shows nothing."""
    return {"Authorization": f"Bearer {TOKENS[client]}"} if client else {}


def eventually(happens, within=60):
    """What `happens()` gives as soon as it is true. The default limit is what a busy machine needs to start Python."""
    deadline = time.monotonic() + within
    while True:
        if result := happens():
            return result
        assert time.monotonic() < deadline, f"didn't happen within {within} s"
        time.sleep(0.05)


def with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path))


class Stack:
    """A service with stores of its own: a Redis database and a MongoDB database, which it reaches through gates."""

    # Redis has 16; each of pytest's processes takes its own.
    _redis_databases = itertools.cycle(range(1, 16)[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) :: 5])

    def __init__(self, directory: Path):
        self.directory = directory
        self.processes: list[subprocess.Popen] = []
        redis_url = with_path(os.environ["TEST_REDIS_URL"], f"/{next(self._redis_databases)}")
        mongo_url = with_path(os.environ["TEST_MONGO_URL"], f"/sms_test_{uuid4().hex[:8]}")
        self.redis_gate, self.mongo_gate = Gate(redis_url), Gate(mongo_url)
        self.aliyun = FakeAliyun()
        self.port, self.metrics_port = free_port(), free_port()
        (directory / "log").mkdir()
        self.environment = {
            **COVERAGE,
            "PATH": os.environ["PATH"],
            "HOME": str(directory / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Root is who runs tests in a container; Celery asks for this to be said.
            "C_FORCE_ROOT": "true",
            "ENV": "test",
            "CLIENTS": json.dumps({name: {} for name in TOKENS}),
            "CLIENT_TOKENS": json.dumps({name: [hash_of(token)] for name, token in TOKENS.items()}),
            "REDIS_URL": self.redis_gate.url,
            "MONGO_URL": self.mongo_gate.url,
            "LOG_DIR": str(directory / "log"),
            "SMS_GATEWAY": "aliyun",
            "ALIYUN_ACCESS_KEY_ID": "key-id",
            "ALIYUN_ACCESS_KEY_SECRET": "key-secret",
            "ALIYUN_SMS_SIGN_NAME": "签名",
            "ALIYUN_SMS_TEMPLATE_CODE": "SMS_1",
            "ALIYUN_SMS_ENDPOINT": self.aliyun.url,
            "GATEWAY_TIMEOUT_SECONDS": "1",
            "SEND_LEASE_SECONDS": "5",
            "SEND_MAX_ATTEMPTS": "3",
            "SEND_RETRY_BASE_SECONDS": "0",
            "RESEND_AFTER_SECONDS": "1",
            "RESEND_INTERVAL_SECONDS": "1",
            "WEB_PORT": str(self.port),
            "WEB_WORKERS": "2",
            "METRICS_PORT": str(self.metrics_port),
            "DRAIN_FILE": str(directory / "draining"),
            "READY_FILE": str(directory / "ready"),
            "WORKER_HEARTBEAT_FILE": str(directory / "worker.heartbeat"),
            "BEAT_HEARTBEAT_FILE": str(directory / "beat.heartbeat"),
            "METRICS_DIR": str(directory / "metrics"),
        }
        self.redis = redis.Redis.from_url(redis_url)
        self.redis.flushdb()
        self.mongo = pymongo.MongoClient(mongo_url, tz_aware=True).get_default_database()
        self.broker = Celery(broker=redis_url)
        self.broker.conf.task_default_queue = "sms"

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        """Runs one of the environment's commands in the app's folder; output goes to `output` below."""
        with (self.directory / f"{command[0]}-{len(self.processes)}.out").open("w") as output:
            process = subprocess.Popen(
                [BIN / command[0], *command[1:]],
                cwd=APP,
                env=self.environment | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.output = lambda: Path(output.name).read_text(errors="replace")
        self.processes.append(process)
        return process

    def web(self, **environment: str) -> subprocess.Popen:
        process = self.start("python", "-m", "sms.serve", **environment)
        wanted = int((self.environment | environment)["WEB_WORKERS"])
        eventually(lambda: process.output().count("Started worker") == wanted and self._answers())
        return process

    def _answers(self) -> bool:
        try:
            return self.get("/healthz").ok
        except requests.ConnectionError:
            return False

    def worker(self, **environment: str) -> subprocess.Popen:
        # On this machine the port is the web's.
        environment = {"METRICS_PORT": "0"} | environment
        process = self.start(
            *[
                "celery",
                "--quiet",
                "--app",
                "sms.celery",
                "worker",
                "--without-mingle",
                "--without-gossip",
            ],
            "--hostname",
            f"{uuid4().hex[:6]}@test",
            **environment,
        )
        eventually(lambda: " ready." in process.output())
        return process

    def beat(self, **environment: str) -> subprocess.Popen:
        return self.start("celery", "--quiet", "--app", "sms.celery", "beat", "--pidfile=", **environment)

    def get(self, path: str, client: str | None = "shop", headers=None, **options) -> requests.Response:
        headers = shown(client) | (headers or {})
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10, headers=headers, **options)

    def metrics(self) -> str:
        return requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).text

    def post(self, to="+8613800138000", text="你好", client="shop", headers=None, **options) -> requests.Response:
        given = {"json": {"to": to, "text": text}, "timeout": 10} | options
        headers = shown(client) | (headers or {})
        return requests.post(f"http://127.0.0.1:{self.port}/messages", headers=headers, **given)

    def accepted(self, **options) -> str:
        answer = self.post(**options)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def status(self, id: str) -> str:
        return self.get(f"/messages/{id}").json()["status"]

    def end(self):
        if COVERAGE:
            self._stop()
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # pytest shows them if the test failed.
        for output in sorted(self.directory.glob("*.out")):
            print(output.name, output.read_text(errors="replace")[-3000:], sep="\n")
        self.redis.flushdb()
        self.mongo.client.drop_database(self.mongo)
        self.aliyun.close()

    def _stop(self):
        """Lets each process end by itself: one that is killed doesn't say which lines it ran."""
        running = [process for process in self.processes if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
