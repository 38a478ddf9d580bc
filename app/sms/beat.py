"""Beat's scheduler. Each tick is sent once, even if several beats run or a beat is killed."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import BaseSchedule

from sms.settings import settings
from sms.ticks import AlreadySent, TickChannel, latest_tick, next_tick

RETRY_SECONDS = 1

logger = logging.getLogger(__name__)


if TYPE_CHECKING:

    class Entry(ScheduleEntry):
        """An entry of the configuration. It has all these fields."""

        name: str
        schedule: BaseSchedule
        task: str
        kwargs: dict[str, Any]
        options: dict[str, Any]


class TickScheduler(Scheduler):
    """Sends the ticks that are due and that were not sent. Redis keeps the last tick of each entry.

    The scheduler touches BEAT_HEARTBEAT_FILE before each check, at least every `beat_max_loop_interval`. It also does
    so while Redis is unavailable, because a restart would not repair Redis. Each attempt has a time limit.
    """

    # Celery's types lack these.
    max_interval: int
    Producer: Callable[..., Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._last: dict[str, int] = {}
        self._connection: Any = None
        self._channel: TickChannel | None = None
        super().__init__(*args, **kwargs)

    # Celery calls it without arguments.
    def tick(self) -> float:  # type: ignore[override]
        """Sends the due ticks. Returns the seconds to sleep."""
        settings().beat_heartbeat_file.touch()
        try:
            return min(self._send_due(), self.max_interval)
        except Exception as error:  # After any error the tick is still unsent, and the next round sends it.
            logger.warning("no tick was sent", extra={"error": f"{type(error).__name__}: {error}"})
            self._disconnect()
            return RETRY_SECONDS

    def _send_due(self) -> float:
        """Returns the seconds until the next tick."""
        if self._channel is None:
            self._channel = self._connect()
        now, asked = self._channel.now(), time.monotonic()
        sent = self._channel.last_ticks()
        entries = cast("list[Entry]", [*self.schedule.values()])
        for entry in entries:
            if entry.name not in sent and entry.name not in self._last:
                self._channel.begin_with(entry.name, now)
                sent[entry.name] = now
            # Redis may have lost its data. This beat still has the last tick.
            last = max(sent.get(entry.name, 0), self._last.get(entry.name, 0))
            tick = latest_tick(entry.schedule, last, now)
            if tick > last:
                self._send(entry, tick)
            self._last[entry.name] = tick
        wait = min(next_tick(entry.schedule, now) - now for entry in entries) / 1000
        return max(0, wait - (time.monotonic() - asked))

    def _send(self, entry: "Entry", tick: int) -> None:
        headers: dict[str, Any] = {"beat_entry": entry.name, "beat_tick": tick}
        try:
            self.app.tasks[entry.task].apply_async(
                entry.args,
                entry.kwargs,
                producer=self.Producer(self._channel, auto_declare=False),
                # The next round tries again. It also finds out whether this attempt succeeded.
                retry=False,
                headers=headers,
                **entry.options,
            )
        except AlreadySent:
            logger.info("another beat sent this tick", extra={"entry": entry.name, "tick": tick})
        else:
            logger.info("sent", extra={"entry": entry.name, "tick": tick})

    def _connect(self) -> TickChannel:
        self._connection = self.app.connection_for_write()
        self._connection.transport.Channel = TickChannel
        channel: TickChannel = self._connection.channel()
        return channel

    def _disconnect(self) -> None:
        with suppress(Exception):  # A broken connection may fail to close.
            self._connection.release()
        self._channel = None
