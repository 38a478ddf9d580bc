"""Beat's scheduler. However many run, and whatever becomes of them, a tick is sent once."""

import logging
import time
from contextlib import suppress

from celery.beat import ScheduleEntry, Scheduler
from kombu import Connection

from sms.settings import settings
from sms.ticks import AlreadySent, TickChannel, latest_tick, next_tick

RETRY_SECONDS = 1

logger = logging.getLogger(__name__)


class TickScheduler(Scheduler):
    """Sends what is due and was not sent, by what Redis knows.

    Touches BEAT_HEARTBEAT_FILE before each look at what is due, every `beat_max_loop_interval` or more often,
    also while Redis is away: each attempt is bounded, and a restart doesn't bring Redis back.
    """

    def __init__(self, *args, **kwargs):
        self._last: dict[str, int] = {}
        self._connection: Connection | None = None
        self._channel: TickChannel | None = None
        super().__init__(*args, **kwargs)

    def tick(self) -> float:
        """Gives the seconds to sleep."""
        settings().beat_heartbeat_file.touch()
        try:
            return min(self._send_due(), self.max_interval)
        except Exception as error:  # whatever it is: no tick is lost, as none was taken
            logger.warning("no tick was sent", extra={"error": f"{type(error).__name__}: {error}"})
            self._disconnect()
            return RETRY_SECONDS

    def _send_due(self) -> float:
        """Gives the seconds until the next tick."""
        if self._channel is None:
            self._channel = self._connect()
        now, asked = self._channel.now(), time.monotonic()
        sent = self._channel.last_ticks()
        for entry in self.schedule.values():
            if entry.name not in sent and entry.name not in self._last:
                self._channel.begin_with(entry.name, now)
                sent[entry.name] = now
            # Redis may have lost what this beat still knows.
            last = max(sent.get(entry.name, 0), self._last.get(entry.name, 0))
            tick = latest_tick(entry.schedule, last, now)
            if tick > last:
                self._send(entry, tick)
            self._last[entry.name] = tick
        wait = min(next_tick(entry.schedule, now) - now for entry in self.schedule.values()) / 1000
        return max(0, wait - (time.monotonic() - asked))

    def _send(self, entry: ScheduleEntry, tick: int) -> None:
        try:
            self.app.tasks[entry.task].apply_async(
                entry.args,
                entry.kwargs,
                producer=self.Producer(self._channel, auto_declare=False),
                # A new round tries again, and finds out whether this one came through after all.
                retry=False,
                headers={"beat_entry": entry.name, "beat_tick": tick},
                **entry.options,
            )
        except AlreadySent:
            logger.info("another beat sent this tick", extra={"entry": entry.name, "tick": tick})
        else:
            logger.info("sent", extra={"entry": entry.name, "tick": tick})

    def _connect(self) -> TickChannel:
        self._connection = self.app.connection_for_write()
        self._connection.transport.Channel = TickChannel
        return self._connection.channel()

    def _disconnect(self) -> None:
        with suppress(Exception):  # what is broken may not even close
            self._connection.release()
        self._channel = None
