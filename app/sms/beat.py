"""Beat's scheduler: Celery's own, with a sign of life."""

from celery.beat import PersistentScheduler

from sms.settings import settings


class HeartbeatScheduler(PersistentScheduler):
    """Touches BEAT_HEARTBEAT_FILE on every tick, hence at least every `beat_max_loop_interval`."""

    # Publishes through the app's pool, where an attempt is bounded. The scheduler's own producer waits
    # for the broker for ever, and the heartbeat would wait with it.
    producer = None

    def tick(self, *args, **kwargs):
        settings().beat_heartbeat_file.touch()
        return super().tick(*args, **kwargs)
