"""The clients, and which messages belong to which client.

The prefix of a message's id names its client: `shop.5b0c…` belongs to the client `shop`. Versions without clients
created ids without a prefix. These ids belong to the former client. It still gets ids without a prefix, so that its
idempotency keys stay valid.
"""

import re
from dataclasses import dataclass

from sms.settings import Limits, Settings


@dataclass(frozen=True)
class Client:
    name: str
    prefix: str
    """The beginning of the ids of its messages."""
    limits: Limits

    def owns(self, id: str) -> bool:
        return id.startswith(self.prefix) if self.prefix else "." not in id

    @property
    def ids(self) -> str:
        """A regular expression that matches the ids of its messages."""
        return f"^{re.escape(self.prefix)}" if self.prefix else "^[^.]*$"


ANYBODY = Client("", "", Limits(requestsPerMinute=1_000_000_000, messagesPerDay=1_000_000_000))
"""The client of all requests if OPEN_TO_ANYBODY is true."""


def clients_of(settings: Settings) -> list[Client]:
    return [
        Client(name, "" if name == settings.former_client else f"{name}.", limits)
        for name, limits in settings.clients.items()
    ]
