"""`python -m sms.prepare`: the command that must succeed before a rollout starts.

It first checks that both stores can be used from here (`sms.check_stores`, with its options). It then creates the
indexes that this version needs (`sms.migrate`). The exit code is that of the first step that fails.
"""

import sys

from sms import check_stores, migrate


def main() -> int:
    return check_stores.main() or migrate.main()


if __name__ == "__main__":
    sys.exit(main())
