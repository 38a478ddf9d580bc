"""`python -m sms.check_stores`: checks that Redis and MongoDB can be used from here, before a workload relies on them.

It connects to both at the same time with the URLs from the environment, logs in and writes harmless data. It prints
one line for each store: the fault and the change that repairs it. If a store can't be used, the exit code is 1. The
check takes 10 s at most. No line contains a secret.
"""

import argparse
import errno
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pymongo
import redis
from pymongo import MongoClient
from pymongo.errors import (
    ConfigurationError,
    OperationFailure,
    ProtocolError,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry

from sms.settings import Settings, named_by_dns, settings

LIMIT_SECONDS = 10
"""NetworkPolicies apply to a new pod only after some seconds: 4 s were measured with a thousand pods."""
STEP_SECONDS = 1.5
"""The time limit for connecting, and again for the answers. A second attempt still fits within LIMIT_SECONDS."""
PAUSE_SECONDS = 0.5

Address = tuple[str, int | None]
Place = tuple[Any, ...]
"""As `getaddrinfo` gives it: of IPv6 with more than an address and a port."""


class Fault(Exception):
    """Why a store can't be used, and what to change. `passing`: a later attempt may succeed."""

    def __init__(self, reason: str, passing: bool = False):
        super().__init__(reason)
        self.passing = passing


class Store:
    """The common part of both checks."""

    name: str
    bind: str
    """The name of the listen address in the server's configuration."""
    url_setting: str
    """The setting that has the store's URL."""
    tls_switch: str
    addresses: list[Address]
    account: str
    has_tls: bool
    secrets: list[str]

    def write(self) -> None:
        """Logs in and writes. Raises `Fault`."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises `Fault`. If the fault is `passing`, the check repeats until the time limit."""
        end = time.monotonic() + LIMIT_SECONDS - STEP_SECONDS
        while True:
            try:
                self._reach()
                self.write()
            except Fault as fault:
                self.last = fault
                if not fault.passing or time.monotonic() + PAUSE_SECONDS > end:
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return

    last: Fault | None = None

    def _reach(self) -> None:
        """Raises `Fault` only if no address can be reached. The client handles a single dead address itself."""
        faults = side_by_side([partial(self.connect, address) for address in self.addresses], LIMIT_SECONDS)
        if all(faults):
            raise Fault(
                " ".join(dict.fromkeys(map(str, faults))), passing=all(fault.passing for fault in faults if fault)
            )

    def connect(self, address: Address) -> None:
        host, port = address
        at = f"{host}:{port}"
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise self._unresolved(host, error) from None
        family, kind, protocol, _, place = found[0]
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.settimeout(STEP_SECONDS)
                connection.connect(place)
        except ConnectionRefusedError:
            raise Fault(f"{at} refuses the connection. {self._why_refused(str(place[0]))}", passing=True) from None
        except TimeoutError:
            raise Fault(f"{at} doesn't answer (time-out). {self._why_silent(host, place)}") from None
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
            raise Fault(f"no way to {at} ({reason}). Is {place[0]} an address of this network?", passing=True) from None

    def _unresolved(self, host: str, error: socket.gaierror) -> Fault:
        if error.errno == socket.EAI_AGAIN:
            return Fault(f"the DNS doesn't answer when asked for {host}. Look after the cluster's DNS.", passing=True)
        return Fault(
            f"the name {host} is not found. Correct it in {self.url_setting}; a private name is known in its own VPC"
            " only.",
            passing=True,
        )

    def _why_refused(self, ip: str) -> str:
        if ip.startswith("127.") or ip == "::1":
            return f"In a pod that address is the pod itself: name one that pods can reach in {self.url_setting}."
        return (
            f"Nothing listens on this address and port: correct them in {self.url_setting}. Or the server listens on"
            f" 127.0.0.1 only: set {self.bind} to 0.0.0.0, or to its own address too, and restart it."
        )

    def _why_silent(self, host: str, place: Place) -> str:
        if is_alibabas(host):
            return f"{self._whitelist(place)} Or the instance lies in another VPC."
        return (
            f"A packet filter or security group drops what comes from {own_address(place)}, or there is no such"
            f" server: let the pods through, or correct the address in {self.url_setting}."
        )

    def _whitelist(self, place: Place) -> str:
        return (
            f"The instance's whitelist most likely lacks this pod, {own_address(place)}: add the CIDRs of the pods and"
            " of the nodes to it."
        )

    def silent(self) -> Fault:
        if self.has_tls:
            return self.no_tls()
        return Fault(
            f"{self.at} takes the connection, but doesn't answer (time-out). Is it a {self.name} server, and does it"
            " hang?"
        )

    def no_such_server(self) -> Fault:
        return Fault(
            f"{self.at} answers, but not as a {self.name} server does. Correct host and port in {self.url_setting}; or"
            " a proxy on the way takes connections that aren't meant for it.",
            passing=True,
        )

    def closed(self) -> Fault:
        address = self.addresses[0]
        if is_alibabas(address[0]):
            cause = self._whitelist(address)
        elif self.has_tls:
            cause = "Something on the way closes it."
        else:
            cause = f"Most likely it expects TLS: {self.tls_switch} in {self.url_setting}."
        return Fault(f"{self.at} closes the connection without an answer. {cause}", passing=True)

    def no_tls(self) -> Fault:
        return Fault(
            f"{self.at} doesn't answer with TLS. Turn TLS on at the server, or take {self.tls_switch} out of"
            f" {self.url_setting}."
        )

    def untrusted(self, text: str) -> Fault:
        why = re.search(r"certificate verify failed: (.*?)\.? \(_ssl", text)
        return Fault(
            f"TLS: the certificate of {self.at} is not accepted ({why[1] if why else 'verification failed'}). It must"
            " name this host, and its authority must be known. sms:storesCa adds Alibaba Cloud's authority."
        )

    def of_tls(self, text: str) -> Fault | None:
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return self.untrusted(text)
        return self.no_tls() if "SSL" in text or "handshake" in text else None

    @property
    def at(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self.addresses)

    def line(self, fault: Fault | None) -> str:
        text = f"{self.name}: FAILED: {fault}" if fault else f"{self.name}: ok, {self.at} can be written to"
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


class RedisStore(Store):
    name = "Redis"
    bind = "bind (redis.conf)"
    tls_switch = "rediss://"

    def __init__(self, settings: Settings, url_setting: str):
        self._url = settings.redis_url.get_secret_value()
        self.url_setting = url_setting
        parts = parse_url(self._url)
        self.addresses = [(parts.get("host", "localhost"), parts.get("port", 6379))]
        self.account = parts.get("username") or "default"
        self._database = parts.get("db", 0)
        self.has_tls = parts.get("connection_class") is SSLConnection
        self.secrets = forms(parts.get("password"))

    def write(self) -> None:
        client = redis.Redis.from_url(
            self._url, socket_connect_timeout=STEP_SECONDS, socket_timeout=STEP_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        try:
            with client:
                client.set("sms:check-stores", "", ex=10)
        except redis.RedisError as error:
            raise self._told(error) from None

    def _told(self, error: redis.RedisError) -> Fault:
        text = " <- ".join(map(str, chain(error)))
        at, account, setting = self.at, self.account, self.url_setting
        match error:
            case redis.AuthenticationError() if not self.secrets:
                return Fault(f"{at} asks for a password. Put account and password into {setting}.")
            case redis.AuthenticationError():
                return Fault(f"{at} refuses the password of account {account}. Correct it in {setting}.")
            case redis.exceptions.ReadOnlyError():
                return Fault(f"{at} is a read-only replica. Name the primary's address in {setting}.")
            case redis.exceptions.NoPermissionError():
                return Fault(f"{at}: the account {account} may not write. Grant it read and write on all keys.")
            case redis.exceptions.OutOfMemoryError():
                return Fault(f"{at} is full. Free memory or take a bigger instance.")
            case redis.BusyLoadingError():
                return Fault(f"{at} is still loading its data. Try again later.", passing=True)
            case redis.InvalidResponse():
                return self.no_such_server()
            case redis.TimeoutError():
                return self.silent()
            case redis.ConnectionError() if tls := self.of_tls(text):
                return tls
            case redis.ConnectionError() if "DENIED" in text or "protected mode" in text:
                return self._unprotected()
            case redis.ConnectionError():
                return self.closed()
        # Alibaba Cloud's proxies accept the connection and refuse the first command.
        if "illegal address" in text:
            return Fault(f"{at} refuses this pod. {self._whitelist(self.addresses[0])}")
        if "DENIED" in text:
            return self._unprotected()
        if "DB index" in text:
            return Fault(f"{at} has no database {self._database}. Correct the number at the end of {setting}.")
        return Fault(f"{at} answers with an error: {text}")

    def _unprotected(self) -> Fault:
        return Fault(
            f"{self.at} has no password and so answers 127.0.0.1 alone (protected mode). Give it a password, and set"
            f" {self.bind} to an address that pods can reach."
        )


class MongoStore(Store):
    name = "MongoDB"
    bind = "net.bindIp (mongod.conf)"
    tls_switch = "tls=true"

    def __init__(self, settings: Settings, url_setting: str):
        self._url = settings.mongo_url.get_secret_value()
        self.url_setting = url_setting
        if named_by_dns(self._url):
            self.addresses = []
            self.secrets = forms(unquote(urlsplit(self._url).password or ""))
        else:
            self._take(parse_uri(self._url))

    def _reach(self) -> None:
        if named_by_dns(self._url):
            self._look_up()
        super()._reach()

    def _look_up(self) -> None:
        """Looks up the servers in the DNS. Its answer may change at any time."""
        try:
            self._take(parse_uri(self._url, connect_timeout=STEP_SECONDS))
        except ConfigurationError as error:
            name = urlsplit(self._url).hostname
            raise Fault(
                f"the DNS doesn't tell the servers of {name} (SRV records of _mongodb._tcp.{name}):"
                f" {str(error).rstrip('.')}. Correct the name in {self.url_setting}; a private name is known in its own"
                " VPC only.",
                passing=True,
            ) from None

    def _take(self, parts: dict[str, Any]) -> None:
        self.addresses = list(parts["nodelist"])
        self.account = parts["username"] or ""
        self._database = parts["database"] or "sms"
        self._replica_set = parts["options"].get("replicaSet")
        self._auth_source = parts["options"].get("authSource") or self._database
        self.has_tls = bool(parts["options"].get("tls"))
        self.secrets = forms(parts["password"])

    def write(self) -> None:
        client: MongoClient[dict[str, Any]] = MongoClient(
            self._url,
            appname="sms",
            w="majority",
            serverSelectionTimeoutMS=int(STEP_SECONDS * 1000),
            connectTimeoutMS=int(STEP_SECONDS * 1000),
        )
        with client:
            try:
                with pymongo.timeout(STEP_SECONDS):
                    # This update needs the same rights as a real one. It changes nothing: no message has this id.
                    messages = client.get_default_database("sms").messages
                    messages.update_one({"_id": "check-stores"}, {"$set": {"status": "sent"}})
            except ServerSelectionTimeoutError as error:
                raise self._unusable(client, str(error)) from None
            except OperationFailure as error:
                raise self._told(error) from None
            except PyMongoError as error:
                text = " <- ".join(map(str, chain(error)))
                raise self.of_tls(text) or (self.silent() if error.timeout else self.closed()) from None

    def _unusable(self, client: MongoClient[dict[str, Any]], text: str) -> Fault:
        """The fault when the servers answer but none accepts writes."""
        if tls := self.of_tls(text):
            return tls
        servers = client.topology_description.server_descriptions()
        if any(isinstance(server.error, ProtocolError) for server in servers.values()):
            return self.no_such_server()
        if "No replica set members" in text:
            return Fault(
                f"{self.at} is not of a replica set named {self._replica_set}. Correct replicaSet in"
                f" {self.url_setting}."
            )
        # A replica set sends its members' addresses, and the client uses these.
        unknown = [address for address in servers if address not in self.addresses]
        faults = side_by_side([partial(self.connect, address) for address in unknown], STEP_SECONDS)
        if failing := [str(fault) for fault in faults if fault]:
            return Fault(
                f"{self.at} answers, and names as members of its replica set (rs.conf()) what pods can't reach:"
                f" {' '.join(failing)}"
            )
        if "ReplicaSetNoPrimary" in text:
            return Fault(f"{self.at} has no primary at the moment. Look at rs.status().", passing=True)
        if "closed" in text or "reset" in text:
            return self.closed()
        if "timed out" in text:
            return self.silent()
        return Fault(
            f"none of {self.at} takes writes. Several servers are one replica set: name it in {self.url_setting}"
            " (replicaSet=…), with its members and no others."
        )

    def _told(self, error: OperationFailure) -> Fault:
        at, account, setting = self.at, self.account, self.url_setting
        match error.code:
            case 13 if not account:
                return Fault(f"{at} asks for a password. Put account and password into {setting}.")
            case 18:
                own = not is_alibabas(self.addresses[0][0])
                # Docker's mongo image creates its first account from the environment, but only on an empty volume.
                kept = " A volume keeps the password that it was made with: change it in MongoDB." if own else ""
                return Fault(
                    f"{at} refuses the password of account {account} (authSource={self._auth_source}). Correct"
                    f" password, account or authSource in {setting}.{kept}"
                )
            case 13:
                return Fault(
                    f"{at}: the account {account} may not write to the database {self._database}. Grant it the role"
                    " readWrite there."
                )
        return Fault(f"{at} answers with an error: {error.details or error.code}")


def is_alibabas(host: str) -> bool:
    return host.endswith(".aliyuncs.com")


def own_address(to: Place) -> str:
    """This pod's address as the server sees it, if no NAT changes it. This sends no packet."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(to[:2])
        return str(probe.getsockname()[0])
    return "here"


def forms(password: str | None) -> list[str]:
    """The forms in which a password may appear in a text, the longest first."""
    if not password:
        return []
    return sorted({password, quote(password, safe="")}, key=len, reverse=True)


def chain(error: BaseException | None) -> list[BaseException]:
    return [error, *chain(error.__cause__ or error.__context__)] if error else []


def side_by_side(checks: list[Callable[[], None]], limit_seconds: float) -> list[Fault | None]:
    """Runs all checks at the same time. A check that hangs, for example in a DNS look-up, ends as a fault."""

    def run(check: Callable[[], None], result: Future[Fault | None]) -> None:
        try:
            check()
            result.set_result(None)
        except Fault as fault:
            result.set_result(fault)
        except Exception as error:
            result.set_result(Fault(f"unexpected {type(error).__name__}"))

    results: list[Future[Fault | None]] = [Future() for _ in checks]
    for check, result in zip(checks, results, strict=True):
        threading.Thread(target=run, args=(check, result), daemon=True).start()
    end = time.monotonic() + limit_seconds
    faults: list[Fault | None] = []
    for result in results:
        try:
            faults.append(result.result(timeout=max(0, end - time.monotonic())))
        except TimeoutError:
            faults.append(Fault(f"no result within {limit_seconds:g} s: does the DNS answer?", passing=True))
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sms.check_stores", description=__doc__)
    parser.add_argument("--redis-url-from", default="REDIS_URL", help="the setting that the messages name for the URL")
    parser.add_argument("--mongo-url-from", default="MONGO_URL", help="the setting that the messages name for the URL")
    args = parser.parse_args()
    stores: list[Store] = [
        RedisStore(settings(), args.redis_url_from),
        MongoStore(settings(), args.mongo_url_from),
    ]
    faults = side_by_side([store.check for store in stores], LIMIT_SECONDS)
    for store, fault in zip(stores, faults, strict=True):
        # A check that is cut off at the limit usually has a fault from an earlier attempt.
        print(store.line(fault and (store.last or fault)), flush=True)
    return 1 if any(faults) else 0


if __name__ == "__main__":
    sys.exit(main())
