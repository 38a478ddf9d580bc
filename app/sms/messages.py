"""The messages and their states, in MongoDB; the one place that knows how they are stored.

    queued ──claim──▶ sending ──▶ sent
       ▲                 │
       └─ retry, stuck ──┴──────▶ failed

`not_before` is all the locking there is: nobody may claim a message before it. It is the end of the
lease while an attempt runs, and the end of the wait between two attempts. Only single-document
operations are used, which MongoDB carries out one after the other: of two claims one comes first. So a
standalone server does as well as a replica set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid4, uuid5

from pymongo import ASCENDING, MongoClient, ReturnDocument
from pymongo.errors import DuplicateKeyError

from sms.settings import Settings

UNFINISHED = ["queued", "sending"]
FINISHED = ["sent", "failed"]


@dataclass(frozen=True)
class Message:
    id: str
    to: str
    """E.164; personal, so never logged as it is."""
    text: str
    status: str
    """`queued`, `sending`, `sent` or `failed`."""
    attempts: int
    """How many times it was claimed, the present attempt included."""
    not_before: datetime
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    error: str | None = None
    """Why the last attempt came to nothing."""


class KeyReused(Exception):
    """The idempotency key came before, with another message."""


def connect(settings: Settings, call_seconds: int = 3) -> MongoClient:
    """A client that gives up in time: no call takes longer than `call_seconds`.

    Made by the process that uses it, after any fork. Writes wait for a majority, where there is one
    to wait for: an accepted message survives the loss of the primary.
    """
    return MongoClient(
        settings.mongo_url.get_secret_value(),
        appname="sms",
        tz_aware=True,
        w="majority",
        # A third less, so that a call that found a server late has time left to ask it.
        serverSelectionTimeoutMS=call_seconds * 2000 // 3,
        connectTimeoutMS=1000,
        timeoutMS=call_seconds * 1000,
    )


class Messages:
    """Every method raises `PyMongoError` where MongoDB doesn't answer in time."""

    def __init__(self, client: MongoClient):
        self._collection = client.get_default_database("sms").messages

    def create_indexes(self) -> Iterator[str]:
        """The names of the indexes, each as soon as it is there. Only scans need them: finding by id doesn't."""
        # One by one: FerretDB 1.24 breaks down over several that exist.
        for keys in (["status", "not_before"], ["status", "updated_at"]):
            yield self._collection.create_index(keys)

    def accept(self, to: str, text: str, idempotency_key: str | None) -> tuple[Message, bool]:
        """Stores a message; says whether it is new.

        The id follows from the key, where there is one: the unique index every collection has
        settles who was first. Raises `KeyReused`.
        """
        now = _now()
        message = Message(
            id=str(uuid5(NAMESPACE_URL, f"sms:idempotency-key:{idempotency_key}") if idempotency_key else uuid4()),
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
        return stored and _message(stored)

    def claim(self, id: str, lease: timedelta) -> Message | None:
        """Takes a message for one attempt. None where it is finished, taken or not due yet."""
        now = _now()
        stored = self._collection.find_one_and_update(
            {"_id": id, "status": {"$in": UNFINISHED}, "not_before": {"$lte": now}},
            {"$set": {"status": "sending", "not_before": now + lease, "updated_at": now}, "$inc": {"attempts": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return stored and _message(stored)

    def sent(self, message: Message) -> None:
        """Holds also where the lease ran out meanwhile: what is sent needn't be sent again."""
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

    def _end_attempt(self, message: Message, change: dict) -> None:
        # Without effect where the lease ran out and another attempt has the message now.
        self._collection.update_one(
            {"_id": message.id, "status": "sending", "attempts": message.attempts}, {"$set": change}
        )

    def take_stuck(self, due_for: timedelta, at_most: int) -> Iterator[str]:
        """The ids of messages that are nobody's, oldest first: left behind at the end of an attempt's lease,
        or due for so long and never claimed.

        Each is given out once per `due_for`, whoever asks: its wait starts anew.
        """
        now = _now()
        left_behind = {"status": "sending", "not_before": {"$lte": now}}
        never_claimed = {"status": "queued", "not_before": {"$lte": now - due_for}}
        stuck = {"$or": [left_behind, never_claimed]}
        found = self._collection.find(stuck, {"_id": 1}, sort=[("not_before", ASCENDING)], limit=at_most)
        for id in [document["_id"] for document in found]:
            # Somebody else may have taken it since.
            taken = self._collection.update_one({"_id": id, **stuck}, {"$set": {"status": "queued", "not_before": now}})
            if taken.matched_count:
                yield id

    def count_overdue(self, due_for: timedelta) -> int:
        """How many have been due for so long; counts no further than a number that is alarming anyway."""
        overdue = {"status": {"$in": UNFINISHED}, "not_before": {"$lte": _now() - due_for}}
        return self._collection.count_documents(overdue, limit=10_000)

    def purge(self, finished_for: timedelta) -> int:
        """Deletes what was finished so long ago; says how many."""
        return self._collection.delete_many(
            {"status": {"$in": FINISHED}, "updated_at": {"$lte": _now() - finished_for}}
        ).deleted_count


def _now() -> datetime:
    # MongoDB keeps milliseconds: what was stored must equal what is read back.
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _message(stored: dict) -> Message:
    return Message(id=stored.pop("_id"), **stored)
