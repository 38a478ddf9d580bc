"""`python -m sms.prepare`: what a rollout waits for.

Whether both stores can be used from here (`sms.check_stores`, with its options), and then that the store is
what this version expects (`sms.migrate`). The exit code is that of the first that fails.
"""

import sys

from sms import check_stores, migrate


def main() -> int:
    return check_stores.main() or migrate.main()


if __name__ == "__main__":
    sys.exit(main())
