"""Whoever carries text messages, behind one interface."""

from typing import Protocol

from sms.settings import Settings


class TemporaryFailure(Exception):
    """Another attempt may succeed. The text goes into the log and to the client: nothing private."""


class PermanentFailure(Exception):
    """This message will never be carried. The text goes into the log and to the client: nothing private."""


class Gateway(Protocol):
    def send(self, id: str, to: str, text: str) -> None:
        """Hands one message over, within twice GATEWAY_TIMEOUT_SECONDS.

        A message may come a second time, with the same id, where nobody knows how the first attempt
        ended. Raises `TemporaryFailure` or `PermanentFailure`.
        """


def gateway_for(settings: Settings) -> Gateway:
    # The SDK takes over a second and 46 MB to import: only for those who use it.
    if settings.sms_gateway == "aliyun":
        from sms.gateway.aliyun import AliyunGateway

        return AliyunGateway(settings)

    from sms.gateway.log import LogGateway

    return LogGateway()
