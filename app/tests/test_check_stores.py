"""The check before a rollout: it tells what is wrong with a store and what to change, in time and without a secret."""

import datetime
import os
import re
import socket
import ssl
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import dns.name
import dns.rdata
import dns.resolver
import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from pymongo.errors import PyMongoError
from stand_ins import free_port

from sms import check_stores
from sms.check_stores import MongoStore, RedisStore
from sms.messages import Messages, connect
from sms.settings import settings

PASSWORD = urlsplit(os.environ.get("TEST_REDIS_URL", "")).password or ""


def run(stack, *args: str, **environment: str) -> tuple[int, list[str]]:
    """Runs it as a pod does: the exit code and the lines, Redis' first, then MongoDB's."""
    process = stack.start("python", "-m", "sms.check_stores", *args, **environment)
    return process.wait(15), process.output().splitlines()


@pytest.fixture
def refused(stack, monkeypatch, capsys):
    """Runs it here with less patience; gives the two lines."""
    monkeypatch.setattr(check_stores, "LIMIT_SECONDS", 2.5)
    monkeypatch.setattr(check_stores, "STEP_SECONDS", 0.8)
    monkeypatch.setattr("sys.argv", ["check_stores"])

    def check(**environment: str) -> list[str]:
        for name, value in (stack.environment | environment).items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        assert check_stores.main() == 1
        output = capsys.readouterr().out
        assert PASSWORD not in output
        # What a pod's termination message may hold, for both together.
        assert len(output) < 2048
        lines = output.splitlines()
        assert len(lines) == 2
        return lines

    yield check
    settings.cache_clear()


@pytest.fixture
def server():
    """Makes servers that do one thing with each connection; gives the port."""
    listeners = []

    def serve(each) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=each, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def urls(port: int, options: str = "") -> dict[str, str]:
    return {
        "REDIS_URL": f"redis{'s' if options else ''}://sms:{PASSWORD}@127.0.0.1:{port}/0",
        "MONGO_URL": f"mongodb://sms:{PASSWORD}@127.0.0.1:{port}/sms{options}",
    }


def test_stores_in_order_are_told_and_left_as_they_were(stack):
    code, lines = run(stack)
    assert code == 0
    assert lines == [
        f"Redis: ok, 127.0.0.1:{stack.redis_gate.port} can be written to",
        f"MongoDB: ok, 127.0.0.1:{stack.mongo_gate.port} can be written to",
    ]
    assert stack.mongo.messages.count_documents({}) == 0
    assert [stack.redis.ttl(key) > 0 for key in stack.redis.scan_iter()] == [True]


def test_one_of_the_two_is_enough_to_fail(stack, refused):
    stack.mongo_gate.shut()
    redis_line, mongo_line = refused()
    assert redis_line.startswith("Redis: ok")
    assert mongo_line.startswith("MongoDB: FAILED: ")


def test_a_refused_connection_names_the_pod_itself_where_the_address_is_its_own(stack, refused):
    stack.redis_gate.shut()
    stack.mongo_gate.shut()
    assert refused() == [
        f"Redis: FAILED: 127.0.0.1:{stack.redis_gate.port} refuses the connection. In a pod that address is the pod"
        " itself: name one that pods can reach in REDIS_URL.",
        f"MongoDB: FAILED: 127.0.0.1:{stack.mongo_gate.port} refuses the connection. In a pod that address is the pod"
        " itself: name one that pods can reach in MONGO_URL.",
    ]


def test_a_refused_connection_elsewhere_names_bind_and_bind_ip():
    # 192.0.2.1 is nobody's: the words alone are looked at.
    for kind, bind in [(RedisStore, "bind (redis.conf)"), (MongoStore, "net.bindIp (mongod.conf)")]:
        store = kind.__new__(kind)
        store.url_setting = "the URL"
        assert store._why_refused("192.0.2.1") == (
            "Nothing listens on this address and port: correct them in the URL. Or the server listens on 127.0.0.1"
            f" only: set {bind} to 0.0.0.0, or to its own address too, and restart it."
        )


def test_a_connection_that_nobody_takes_is_a_time_out(refused):
    # A listener whose backlog is full drops what comes, as a packet filter does.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        lines = refused(**urls(port))
        for connection in waiting:
            connection.close()
    for line, variable in zip(lines, ["REDIS_URL", "MONGO_URL"], strict=True):
        assert line.split("FAILED: ")[1] == (
            f"127.0.0.1:{port} doesn't answer (time-out). A packet filter or security group drops what comes from"
            f" 127.0.0.1, or there is no such server: let the pods through, or correct the address in {variable}."
        )


def test_a_time_out_at_alibaba_cloud_is_most_likely_its_whitelist():
    store = RedisStore.__new__(RedisStore)
    assert store._why_silent("r-1.redis.rds.aliyuncs.com", ("127.0.0.1", 6379)) == (
        "The instance's whitelist most likely lacks this pod, 127.0.0.1: add the CIDRs of the pods and of the nodes"
        " to it. Or the instance lies in another VPC."
    )


def test_alibabas_proxy_says_itself_that_the_address_is_not_in_the_whitelist(refused, server):
    def refuse(connection):
        with connection:
            while connection.recv(4096):
                connection.sendall(b"-ERR illegal address: 10.0.0.7:3456\r\n" * 3)

    line, _ = refused(REDIS_URL=urls(server(refuse))["REDIS_URL"], MONGO_URL=urls(free_port())["MONGO_URL"])
    assert "refuses this pod. The instance's whitelist most likely lacks this pod, 127.0.0.1:" in line


def test_servers_that_say_nothing_are_told_from_those_that_nobody_reaches(refused, server):
    def listen(connection):
        with connection:
            while connection.recv(4096):
                pass

    port = server(listen)
    assert refused(**urls(port)) == [
        f"Redis: FAILED: 127.0.0.1:{port} takes the connection, but doesn't answer (time-out). Is it a Redis server,"
        " and does it hang?",
        f"MongoDB: FAILED: 127.0.0.1:{port} takes the connection, but doesn't answer (time-out). Is it a MongoDB"
        " server, and does it hang?",
    ]


def test_a_server_of_another_kind_is_told(refused, server):
    def speak_http(connection):
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    port = server(speak_http)
    remedy = "or a proxy on the way takes connections that aren't meant for it."
    assert refused(**urls(port)) == [
        f"{name}: FAILED: 127.0.0.1:{port} answers, but not as a {name} server does. Correct host and port in"
        f" {setting}; {remedy}"
        for name, setting in {"Redis": "REDIS_URL", "MongoDB": "MONGO_URL"}.items()
    ]


def test_names_that_are_not_found_are_all_told(refused):
    assert refused(
        REDIS_URL=f"redis://:{PASSWORD}@redis.invalid/0",
        MONGO_URL=f"mongodb://sms:{PASSWORD}@one.invalid,two.invalid/sms",
    ) == [
        "Redis: FAILED: the name redis.invalid is not found. Correct it in REDIS_URL; a private name is known in its"
        " own VPC only.",
        "MongoDB: FAILED: the name one.invalid is not found. Correct it in MONGO_URL; a private name is known in its"
        " own VPC only. the name two.invalid is not found. Correct it in MONGO_URL; a private name is known in its"
        " own VPC only.",
    ]


def test_a_wrong_password_is_told_with_the_account_and_without_the_password(stack, refused):
    lines = refused(
        REDIS_URL=re.sub(r":[^:@]+@", ":wr%40ng-passw0rd@", stack.environment["REDIS_URL"]),
        MONGO_URL=re.sub(r":[^:@/]+@", ":wr%40ng-passw0rd@", stack.environment["MONGO_URL"]),
    )
    assert lines == [
        f"Redis: FAILED: 127.0.0.1:{stack.redis_gate.port} refuses the password of account default. Correct it in"
        " REDIS_URL.",
        f"MongoDB: FAILED: 127.0.0.1:{stack.mongo_gate.port} refuses the password of account sms (authSource=admin)."
        " Correct password, account or authSource in MONGO_URL. A volume keeps the password that it was made with:"
        " change it in MongoDB.",
    ]


def test_a_url_without_password_is_told_where_one_is_asked_for(stack, refused):
    lines = refused(
        REDIS_URL=re.sub(r"//.*@", "//", stack.environment["REDIS_URL"]),
        MONGO_URL=re.sub(r"//.*@", "//", stack.environment["MONGO_URL"]),
    )
    for line, variable in zip(lines, ["REDIS_URL", "MONGO_URL"], strict=True):
        assert line.endswith(f"asks for a password. Put account and password into {variable}.")


def test_an_account_that_may_not_write_is_told(stack, refused):
    admin = redis.Redis.from_url(os.environ["TEST_REDIS_URL"])
    admin.execute_command("ACL", "SETUSER", "reader", "on", f">{PASSWORD}", "~*", "&*", "+@read", "+@connection")
    try:
        line, _ = refused(
            REDIS_URL=re.sub(r"//.*@", f"//reader:{PASSWORD}@", stack.environment["REDIS_URL"]),
            MONGO_URL=urls(free_port())["MONGO_URL"],
        )
        assert line.endswith(": the account reader may not write. Grant it read and write on all keys.")
    finally:
        admin.execute_command("ACL", "DELUSER", "reader")


def test_a_database_that_is_not_there_and_a_replica_set_of_another_name_are_told(stack, refused):
    lines = refused(
        REDIS_URL=re.sub(r"/\d+$", "/99", stack.environment["REDIS_URL"]),
        MONGO_URL=f"{stack.environment['MONGO_URL']}&replicaSet=mgset-1",
    )
    assert "has no database 99. Correct the number at the end of REDIS_URL." in lines[0]
    assert "is not of a replica set named mgset-1. Correct replicaSet in MONGO_URL." in lines[1]


def test_one_member_of_a_replica_set_that_is_down_is_no_fault_of_its_own(stack, refused):
    dead = free_port()
    _, line = refused(
        REDIS_URL=urls(free_port())["REDIS_URL"],
        MONGO_URL=stack.environment["MONGO_URL"].replace("@", f"@127.0.0.1:{dead},"),
    )
    assert f"none of 127.0.0.1:{dead}, 127.0.0.1:{stack.mongo_gate.port} takes writes." in line


@pytest.fixture
def certificate(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1)
    ).sign(key, hashes.SHA256())
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def tls_port(server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            connection.close()

    return server(serve)


def test_a_server_that_expects_tls_is_told_by_its_closing(refused, tls_port):
    for line, switch in zip(refused(**urls(tls_port)), ["rediss:// in REDIS", "tls=true in MONGO"], strict=True):
        assert line.endswith(f"closes the connection without an answer. Most likely it expects TLS: {switch}_URL.")


def test_a_certificate_of_nobody_known_is_told(refused, tls_port):
    for line in refused(**urls(tls_port, "?tls=true")):
        assert line.endswith(
            f"TLS: the certificate of 127.0.0.1:{tls_port} is not accepted (self-signed certificate). It must name"
            " this host, and its authority must be known. sms:storesCa adds Alibaba Cloud's authority."
        )


def test_a_server_without_tls_is_told_where_the_url_asks_for_it(stack, refused):
    lines = refused(
        REDIS_URL=stack.environment["REDIS_URL"].replace("redis:", "rediss:"),
        MONGO_URL=f"{stack.environment['MONGO_URL']}&tls=true",
    )
    assert lines[0].endswith("doesn't answer with TLS. Turn TLS on at the server, or take rediss:// out of REDIS_URL.")
    assert lines[1].endswith("doesn't answer with TLS. Turn TLS on at the server, or take tls=true out of MONGO_URL.")


def test_an_error_that_repeats_the_password_is_shown_without_it(refused, server):
    def repeat(connection):
        with connection:
            while connection.recv(4096):
                connection.sendall(f"-ERR unknown command 'AUTH', with args: '{PASSWORD}'\r\n".encode() * 3)

    line, _ = refused(REDIS_URL=urls(server(repeat))["REDIS_URL"], MONGO_URL=urls(free_port())["MONGO_URL"])
    assert "***" in line


def test_a_store_that_comes_up_within_the_limit_is_waited_for(stack):
    stack.redis_gate.shut()
    threading.Timer(2, stack.redis_gate.open).start()
    code, lines = run(stack)
    assert (code, lines[0].split(",")[0]) == (0, "Redis: ok")


def test_it_ends_in_time_and_says_where_the_urls_are_changed(stack):
    stack.redis_gate.silence()
    stack.mongo_gate.shut()
    started = time.monotonic()
    code, lines = run(stack, "--redis-url-from", "sms:redisUrl", "--mongo-url-from", "sms:mongoUrl")
    # 10 s for the check, the rest for starting Python on a busy machine.
    assert time.monotonic() - started < 25
    assert code == 1
    assert lines[0].startswith("Redis: FAILED: ")
    assert lines[1].endswith(" name one that pods can reach in sms:mongoUrl.")


def test_a_wrong_environment_is_told_as_by_every_process(stack):
    code, lines = run(stack, ENV="Production")
    assert code == 78
    assert lines[0] == "The environment variables are not valid:"


@pytest.fixture
def srv(monkeypatch):
    """A DNS that knows these servers of mongo.example.com, and the options; without any it knows nothing."""
    given = "pymongo.synchronous.srv_resolver._resolve"

    def serve(*servers: tuple[str, int], options: str = "") -> None:
        def resolve(name: str, kind: str, **_) -> list:
            if not servers:
                raise dns.resolver.NXDOMAIN(qnames=[dns.name.from_text(name)], responses={})
            answers = {
                ("_mongodb._tcp.mongo.example.com", "SRV"): [f"0 0 {port} {host}." for host, port in servers],
                ("mongo.example.com", "TXT"): [f'"{options}"'],
            }
            return [dns.rdata.from_text("IN", kind, text) for text in answers[name, kind]]

        monkeypatch.setattr(given, resolve)

    return serve


def srv_store(monkeypatch) -> MongoStore:
    monkeypatch.setattr(check_stores, "STEP_SECONDS", 0.5)
    monkeypatch.setattr(check_stores, "LIMIT_SECONDS", 1)
    url = SecretStr("mongodb+srv://sms:p%40ss@mongo.example.com/sms")
    return MongoStore(SimpleNamespace(mongo_url=url), "sms:mongoUrl")


def test_the_servers_that_the_dns_names_are_those_that_are_tried_with_its_options_and_tls(srv, monkeypatch):
    srv(("m-1.example.com", 27017), ("m-2.example.com", 1025), options="authSource=admin&replicaSet=rs0")
    store = srv_store(monkeypatch)
    store._look_up()
    assert store.addresses == [("m-1.example.com", 27017), ("m-2.example.com", 1025)]
    assert (store.account, store._database, store._auth_source, store._replica_set) == ("sms", "sms", "admin", "rs0")
    assert store.has_tls


def test_a_name_whose_servers_the_dns_does_not_tell_is_named_without_the_password(srv, monkeypatch):
    srv()
    store = srv_store(monkeypatch)
    with pytest.raises(check_stores.Fault) as raised:
        store.check()
    assert store.line(raised.value) == (
        "MongoDB: FAILED: the DNS doesn't tell the servers of mongo.example.com (SRV records of"
        " _mongodb._tcp.mongo.example.com): The DNS query name does not exist: _mongodb._tcp.mongo.example.com."
        " Correct the name in sms:mongoUrl; a private name is known in its own VPC only."
    )
    assert store.secrets == ["p%40ss", "p@ss"]


def test_a_process_starts_without_the_dns_and_its_first_call_says_so(srv):
    srv()
    url = SecretStr("mongodb+srv://sms:p%40ss@mongo.example.com/sms")
    messages = Messages(connect(SimpleNamespace(mongo_url=url)))
    with pytest.raises(PyMongoError, match="does not exist"):
        list(messages.create_indexes())
