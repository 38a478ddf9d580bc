"""`python -m sms.person find` and `… erase`: finds or deletes the messages to the number on standard input.

The number is read from standard input, because the process list and the cluster's audit log would show an argument.
`find` prints one line for each message, without its text. `erase` deletes all messages to the number. Messages that
were not sent yet are then never sent. Only MongoDB has numbers and texts. The command does not reach MongoDB's backups
and the records of the SMS gateway.
"""

import argparse
import json
import re
import sys

from pymongo.errors import PyMongoError

from sms.messages import NUMBER, Messages, connect
from sms.settings import settings

# There is no index by number, because it would make every insert slower. So the whole collection is read.
CALL_SECONDS = 600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sms.person", description=__doc__)
    parser.add_argument("deed", choices=["find", "erase"])
    deed = parser.parse_args().deed
    number = sys.stdin.readline().strip()
    if not re.fullmatch(NUMBER, number):
        print("Standard input has no number in E.164, for example +8613800138000.", file=sys.stderr)
        return 2
    messages = Messages(connect(settings(), call_seconds=CALL_SECONDS))
    try:
        if deed == "erase":
            print(json.dumps({"erased": messages.erase(number)}))
        else:
            for message in messages.to(number):
                print(json.dumps(message, default=str))
    except PyMongoError as error:
        print(f"MongoDB doesn't answer: {type(error).__name__}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
