"""`python -m sms.migrate`: brings the store up to what this version expects, before any of it starts.

What is there already stays as it is, so it can run again at any time, also beside a version that serves:
a step may add, but never change or remove what an older version relies on. One line for each step; the
exit code is 1 where one fails, or where MIGRATION_TIMEOUT_SECONDS are over.
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
    end: Future = Future()

    def run() -> None:
        try:
            end.set_result(migrate(settings()))
        except Exception as error:
            end.set_exception(error)

    # Nobody waits for a thread that hangs, as looking up a name may.
    threading.Thread(target=run, daemon=True).start()
    limit_seconds = settings().migration_timeout_seconds
    try:
        end.result(timeout=limit_seconds + 1)
    except TimeoutError:
        logger.error(f"MongoDB was not migrated within {limit_seconds} s (MIGRATION_TIMEOUT_SECONDS)")
        return 1
    except PyMongoError as error:
        # A topology's description follows a comma; what went wrong comes before it.
        reason = str(error).partition(", Timeout:")[0].partition(", full error:")[0]
        logger.error(f"MongoDB was not migrated: {type(error).__name__}: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
