"""Whoever carries text messages, behind one interface."""

from datetime import datetime
from typing import Protocol

from sms.settings import Settings


class TemporaryFailure(Exception):
    """Another attempt may succeed. The text goes into the log and to the client: nothing private."""


class PermanentFailure(Exception):
    """This message will never be carried. The text goes into the log and to the client: nothing private."""


class Gateway(Protocol):
    def send(self, id: str, to: str, text: str) -> None:
        """Hands one message over, within twice GATEWAY_TIMEOUT_SECONDS.

        Raises `TemporaryFailure` or `PermanentFailure`.
        """

    def took(self, id: str, to: str, since: datetime) -> bool:
        """Whether it took this message before, within twice GATEWAY_TIMEOUT_SECONDS.

        False also where it can't tell: a second text is less harm than none. Raises `TemporaryFailure`
        where it doesn't answer at all.
        """


def gateway_for(settings: Settings) -> Gateway:
    # The SDK takes over a second and 46 MB to import: only for those who use it.
    if settings.sms_gateway == "aliyun":
        from sms.gateway.aliyun import AliyunGateway

        return AliyunGateway(settings)

    from sms.gateway.log import LogGateway

    return LogGateway()
