"""`python -m sms.migrate`: creates the indexes that this version needs, before its pods start.

Existing indexes stay unchanged. So the command can run at any time, also while another version serves. A step may add
something. It must never change or remove anything that an older version relies on. Each step writes one line. If a step
fails, or after MIGRATION_TIMEOUT_SECONDS, the exit code is 1.
"""

import logging
import sys
import threading
import time
from concurrent.futures import Future

from pymongo.errors import PyMongoError

from sms import logs
from sms.messages import Messages, connect
from sms.settings import Settings, settings

logger = logging.getLogger("sms.migrate")


def migrate(settings: Settings) -> None:
    messages = Messages(connect(settings, call_seconds=settings.migration_timeout_seconds))
    started = time.monotonic()
    for name in messages.create_indexes():
        logger.info("the index is there", extra={"index": name, "seconds": round(time.monotonic() - started, 3)})
        started = time.monotonic()


def main() -> int:
    logs.configure("migrate", settings())
    end: Future[None] = Future()

    def run() -> None:
        try:
            migrate(settings())
            end.set_result(None)
        except Exception as error:
            end.set_exception(error)

    # A daemon thread: a look-up in the DNS may hang, and the process must still end.
    threading.Thread(target=run, daemon=True).start()
    limit_seconds = settings().migration_timeout_seconds
    try:
        end.result(timeout=limit_seconds + 1)
    except TimeoutError:
        logger.error(f"MongoDB was not migrated within {limit_seconds} s (MIGRATION_TIMEOUT_SECONDS)")
        return 1
    except PyMongoError as error:
        # The cause comes first. The driver's description of the topology follows, and it is cut off.
        reason = str(error).partition(", Timeout:")[0].partition(", full error:")[0]
        logger.error(f"MongoDB was not migrated: {type(error).__name__}: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
