"""The workers' tasks. The store, not the broker, has the list of unsent messages.

If a delivery is lost, `resend_stuck` queues the message again. If it arrives twice, the second finds no message to
claim. A message is sent at least once. A worker may die, or lose the store, after the gateway's answer and before the
store has it. Then the next attempt first asks the gateway whether it accepted the message.
"""

import logging
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import Any

from celery import Task
from celery.utils.time import get_exponential_backoff_interval
from pymongo.errors import PyMongoError
from redis import RedisError

from sms import metrics
from sms.celery import app
from sms.clients import clients_of
from sms.gateway import Gateway, PermanentFailure, TemporaryFailure, gateway_for
from sms.messages import Message, Messages, connect
from sms.queueing import SendQueue
from sms.settings import settings
from sms.stores import broker

# A retry is delivered this many seconds after the store allows it. Otherwise a worker with a slow clock would find
# the message not due yet.
CLOCK_SLACK_SECONDS = 1
RESEND_AT_ONCE = 100

logger = logging.getLogger(__name__)


@cache
def messages() -> Messages:
    """Created on first use, so that each process has its own client."""
    return Messages(connect(settings()))


@cache
def gateway() -> Gateway:
    return gateway_for(settings())


@cache
def send_queue() -> SendQueue:
    return SendQueue(broker(settings()), send_message)


def queue(ids: list[str]) -> bool:
    """Queues stored messages for sending. Returns whether the broker accepted them. Takes at most about 2 s."""
    try:
        send_queue().put(ids)
    except RedisError as error:  # The messages are stored, and resend_stuck will find them.
        metrics.unqueued.inc(len(ids))
        logger.warning("not queued", extra={"message_ids": ids, "error": f"{type(error).__name__}: {error}"})
        return False
    return True


# While the store is unavailable, a task is retried without a limit.
while_store_is_away: dict[str, Any] = {"autoretry_for": (PyMongoError,), "retry_backoff": 5, "retry_backoff_max": 60}


@app.task(bind=True, max_retries=None, **while_store_is_away)
def send_message(self: "Task[Any, Any]", id: str) -> None:
    """One attempt at one message."""
    message = messages().claim(id, timedelta(seconds=settings().send_lease_seconds))
    if message is None:
        logger.info("nothing to send", extra={"message_id": id})
        return
    if message.attempts > settings().send_max_attempts:
        give_up(message, "the last attempt never ended")
        return
    try:
        with metrics.gateway_seconds.time():
            # If the last worker died or the answer was lost, only the gateway knows whether the message was sent.
            if message.attempts == 1 or not gateway().took(id, message.to, message.created_at):
                gateway().send(id, message.to, message.text)
    except PermanentFailure as failure:
        give_up(message, str(failure))
    except TemporaryFailure as failure:
        if message.attempts == settings().send_max_attempts:
            give_up(message, str(failure))
            return
        wait = get_exponential_backoff_interval(
            factor=settings().send_retry_base_seconds,
            retries=message.attempts - 1,
            maximum=settings().send_retry_max_seconds,
            full_jitter=True,
        )
        messages().retry(message, str(failure), timedelta(seconds=wait))
        metrics.retried.inc()
        logger.warning("to be retried", extra={"message_id": id, "wait_seconds": wait, "error": str(failure)})
        raise self.retry(exc=failure, countdown=wait + CLOCK_SLACK_SECONDS) from None
    else:
        messages().sent(message)
        metrics.sent.inc()
        logger.info("sent", extra={"message_id": id, "attempts": message.attempts})


def give_up(message: Message, error: str) -> None:
    messages().failed(message, error)
    metrics.failed.inc()
    logger.error("failed", extra={"message_id": message.id, "attempts": message.attempts, "error": error})


@app.task
def resend_stuck() -> None:
    """Queues stuck messages again.

    If a worker died, its message is stuck when the lease ends. If no worker took a message for RESEND_AFTER_SECONDS
    after it was due, it is also stuck: the broker was unavailable when it was accepted, or the broker lost its data.
    Messages that only wait in a long queue are not queued again. So messages that are newer than the queue's oldest
    delivery are left out.
    """
    try:
        waiting_seconds = send_queue().waiting_seconds()
    except RedisError as error:
        logger.warning("nothing queued again", extra={"error": f"{type(error).__name__}: {error}"})
        return
    due_for = timedelta(seconds=settings().resend_after_seconds + waiting_seconds)
    stuck = messages().take_stuck(due_for, settings().resend_batch)
    while ids := list(islice(stuck, RESEND_AT_ONCE)):
        if not queue(ids):
            return
        metrics.resent.inc(len(ids))
        for id in ids:
            logger.warning("queued again", extra={"message_id": id})


@app.task
def purge_expired() -> None:
    """Deletes messages that were finished MESSAGE_RETENTION_DAYS ago, or their client's own retention ago."""
    own = [(client, days) for client in clients_of(settings()) if (days := client.limits.retention_days) is not None]
    others = {"$not": {"$regex": "|".join(client.ids for client, _ in own)}} if own else {"$exists": True}
    count = messages().purge(timedelta(days=settings().message_retention_days), others)
    for client, days in own:
        count += messages().purge(timedelta(days=days), {"$regex": client.ids})
    metrics.purged.inc(count)
    logger.info("purged", extra={"messages": count})
