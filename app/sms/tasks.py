"""What the workers do. The store, not the broker, knows what is left to do.

A delivery that gets lost is made good by `resend_stuck`, one that comes twice finds nothing to claim.
A message is sent at least once. Where a worker died, or lost the store, between the gateway's answer and
the note of it, the gateway is asked what it took before the message is sent again.
"""

import logging
from datetime import timedelta
from functools import cache
from itertools import islice

from celery.utils.time import get_exponential_backoff_interval
from pymongo.errors import PyMongoError
from redis import RedisError

from sms import metrics
from sms.celery import app
from sms.gateway import Gateway, PermanentFailure, TemporaryFailure, gateway_for
from sms.messages import Message, Messages, connect
from sms.queueing import SendQueue
from sms.settings import settings
from sms.stores import broker

# A retry is delivered this much later than the store allows it, so that a worker whose clock is
# behind doesn't turn it away.
CLOCK_SLACK_SECONDS = 1
RESEND_AT_ONCE = 100

logger = logging.getLogger(__name__)


@cache
def messages() -> Messages:
    """Made on first use, hence in the process that uses it."""
    return Messages(connect(settings()))


@cache
def gateway() -> Gateway:
    return gateway_for(settings())


@cache
def send_queue() -> SendQueue:
    return SendQueue(broker(settings()), send_message)


def queue(ids: list[str]) -> bool:
    """Queues stored messages for sending; says whether the broker took them. Takes about 2 s at worst."""
    try:
        send_queue().put(ids)
    except RedisError as error:  # They are stored, and resend_stuck will find them.
        metrics.unqueued.inc(len(ids))
        logger.warning("not queued", extra={"message_ids": ids, "error": f"{type(error).__name__}: {error}"})
        return False
    return True


# While the store is away a task waits and comes again, for as long as it takes.
while_store_is_away = {"autoretry_for": (PyMongoError,), "retry_backoff": 5, "retry_backoff_max": 60}


@app.task(bind=True, max_retries=None, **while_store_is_away)
def send_message(self, id: str) -> None:
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
            # How the last attempt ended may be known to the gateway alone: its worker died, or the answer got lost.
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
    """Queues again what nobody sends.

    That is: left behind by a worker that died, as soon as its lease is over; and what was due for
    RESEND_AFTER_SECONDS and nobody took, since it was accepted while the broker was away, or lost with
    the broker. What merely waits in a long queue is left alone: nothing is queued again that came later
    than the oldest delivery there.
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
    """Deletes messages that were finished MESSAGE_RETENTION_DAYS ago."""
    count = messages().purge(timedelta(days=settings().message_retention_days))
    metrics.purged.inc(count)
    logger.info("purged", extra={"messages": count})
