"""`python -m sms.prepare`: checks that both stores can be used, and creates the index that this version needs."""

import os
import sys
import time

from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from sms.notes import database

# NetworkPolicies may block a new pod for some seconds.
LIMIT_SECONDS = 20


def main() -> int:
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2, socket_connect_timeout=2).ping()
            database().notes.create_index("processed")
            return 0
        except (RedisError, PyMongoError) as error:
            if time.monotonic() > end:
                print(f"a store can't be used: {type(error).__name__}: {error}")
                return 1
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
