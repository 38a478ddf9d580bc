"""The messages and their states in MongoDB. Only this module knows how they are stored.

    queued ──claim──▶ sending ──▶ sent
       ▲                 │
       └─ retry, stuck ──┴──────▶ failed

`not_before` is the only lock: no worker may claim a message before that time. While an attempt runs, it is the end of
the lease. Between two attempts, it is the end of the wait. Each operation changes a single document, and MongoDB makes
that atomic: of two claims, one succeeds. So a standalone server works as well as a replica set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from pymongo import ASCENDING, MongoClient, ReturnDocument
from pymongo.errors import DuplicateKeyError

from sms.clients import Client
from sms.settings import Settings, named_by_dns

UNFINISHED = ["queued", "sending"]
FINISHED = ["sent", "failed"]
NUMBER = r"^\+[1-9][0-9]{6,14}$"
"""E.164: +, country code, number."""


@dataclass(frozen=True)
class Message:
    id: str
    to: str
    """The number in E.164. It is personal data, so it is logged only masked."""
    text: str
    status: str
    """`queued`, `sending`, `sent` or `failed`."""
    attempts: int
    """How many times the message was claimed, including the current attempt."""
    not_before: datetime
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
    """Why the last attempt failed."""


class KeyReused(Exception):
    """The idempotency key was used before with another message."""


def connect(settings: Settings, call_seconds: int = 3) -> MongoClient[dict[str, Any]]:
    """Returns a client whose calls take `call_seconds` at most.

    Each process must create its own client after a fork. In a replica set, a write waits for a majority, so an accepted
    message survives the loss of the primary.
    """
    url = settings.mongo_url.get_secret_value()
    return MongoClient(
        url,
        # By default the client asks the DNS now. If the DNS is unavailable, the first call should fail, not the start.
        connect=not named_by_dns(url),
        appname="sms",
        tz_aware=True,
        w="majority",
        # A third less than the call's limit. So a call that finds a server late still has time for its answer.
        serverSelectionTimeoutMS=call_seconds * 2000 // 3,
        connectTimeoutMS=1000,
        timeoutMS=call_seconds * 1000,
    )


class Messages:
    """Every method raises `PyMongoError` if MongoDB doesn't answer in time."""

    def __init__(self, client: MongoClient[dict[str, Any]]):
        self._collection = client.get_default_database("sms").messages

    def create_indexes(self) -> Iterator[str]:
        """Creates the indexes and yields each name. Only scans need them: finding a message by its id doesn't."""
        # One call per index: FerretDB 1.24 fails if one call names several existing indexes.
        for keys in (["status", "not_before"], ["status", "updated_at"]):
            yield self._collection.create_index(keys)

    def accept(self, client: Client, to: str, text: str, idempotency_key: str | None) -> tuple[Message, bool]:
        """Stores a message. Returns it, and whether it is new. Raises `KeyReused`.

        If the request has a key, the id is computed from the client and the key. The unique index on `_id` decides
        which of two requests was first.
        """
        now = _now()
        id = uuid5(NAMESPACE_URL, f"sms:idempotency-key:{idempotency_key}") if idempotency_key else uuid4()
        message = Message(
            id=f"{client.prefix}{id}",
            to=to,
            text=text,
            status="queued",
            attempts=0,
            not_before=now,
            created_at=now,
            updated_at=now,
        )
        document = vars(message).copy()
        document["_id"] = document.pop("id")
        try:
            self._collection.insert_one(document)
        except DuplicateKeyError:
            stored = self._collection.find_one({"_id": message.id, "to": to, "text": text})
            if stored is None:
                raise KeyReused from None
            return _message(stored), False
        return message, True

    def find(self, id: str) -> Message | None:
        stored = self._collection.find_one({"_id": id})
        return _message(stored) if stored else None

    def to(self, number: str) -> Iterator[dict[str, Any]]:
        """The messages that were accepted for a number, oldest first, without their texts."""
        shown = {"status": 1, "created_at": 1, "updated_at": 1}
        for stored in self._collection.find({"to": number}, shown, sort=[("created_at", ASCENDING)]):
            yield {"id": stored.pop("_id"), **stored}

    def erase(self, number: str) -> int:
        """Deletes all messages that were accepted for a number, sent or not. Returns how many."""
        return self._collection.delete_many({"to": number}).deleted_count

    def claim(self, id: str, lease: timedelta) -> Message | None:
        """Takes a message for one attempt. Returns None if it is finished, taken or not due yet."""
        now = _now()
        stored = self._collection.find_one_and_update(
            {"_id": id, "status": {"$in": UNFINISHED}, "not_before": {"$lte": now}},
            {"$set": {"status": "sending", "not_before": now + lease, "updated_at": now}, "$inc": {"attempts": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return _message(stored) if stored else None

    def sent(self, message: Message) -> None:
        """Marks a message as sent, also after its lease ended: a sent message must not be sent again."""
        now = _now()
        self._collection.update_one(
            {"_id": message.id, "status": {"$in": UNFINISHED}},
            {"$set": {"status": "sent", "sent_at": now, "updated_at": now}, "$unset": {"error": ""}},
        )

    def retry(self, message: Message, error: str, wait: timedelta) -> None:
        now = _now()
        self._end_attempt(message, {"status": "queued", "error": error, "not_before": now + wait, "updated_at": now})

    def failed(self, message: Message, error: str) -> None:
        now = _now()
        self._end_attempt(message, {"status": "failed", "error": error, "failed_at": now, "updated_at": now})

    def _end_attempt(self, message: Message, change: dict[str, Any]) -> None:
        # No effect if the lease has ended and another attempt has the message.
        self._collection.update_one(
            {"_id": message.id, "status": "sending", "attempts": message.attempts}, {"$set": change}
        )

    def take_stuck(self, due_for: timedelta, at_most: int) -> Iterator[str]:
        """Yields the ids of stuck messages, oldest first.

        A message is stuck if its attempt's lease has ended, or if it was due for `due_for` and no worker claimed it.
        Each id is given out once per `due_for` to all callers together, because its wait starts again.
        """
        now = _now()
        left_behind = {"status": "sending", "not_before": {"$lte": now}}
        never_claimed = {"status": "queued", "not_before": {"$lte": now - due_for}}
        stuck = {"$or": [left_behind, never_claimed]}
        found = self._collection.find(stuck, {"_id": 1}, sort=[("not_before", ASCENDING)], limit=at_most)
        for id in [document["_id"] for document in found]:
            # Another process may have taken the message since the search.
            taken = self._collection.update_one({"_id": id, **stuck}, {"$set": {"status": "queued", "not_before": now}})
            if taken.matched_count:
                yield id

    def count_overdue(self, due_for: timedelta) -> int:
        """How many messages have been due for `due_for`. Counts to 10,000 at most: more would raise the same alert."""
        overdue = {"status": {"$in": UNFINISHED}, "not_before": {"$lte": _now() - due_for}}
        return self._collection.count_documents(overdue, limit=10_000)

    def purge(self, finished_for: timedelta, ids: dict[str, Any]) -> int:
        """Deletes the messages that were finished `finished_for` ago. Returns how many. `ids` is a filter of `_id`."""
        finished = {"status": {"$in": FINISHED}, "updated_at": {"$lte": _now() - finished_for}}
        return self._collection.delete_many({**finished, "_id": ids}).deleted_count


def _now() -> datetime:
    # MongoDB stores milliseconds. Without rounding, the stored time would differ from the time read back.
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _message(stored: dict[str, Any]) -> Message:
    return Message(id=stored.pop("_id"), **stored)
