"""The interface of the SMS gateways."""

from datetime import datetime
from typing import Protocol

from sms.settings import Settings


class TemporaryFailure(Exception):
    """Another attempt may succeed. The log and the client get the text, so it contains nothing private."""


class PermanentFailure(Exception):
    """No attempt can succeed. The log and the client get the text, so it contains nothing private."""


class Gateway(Protocol):
    def send(self, id: str, to: str, text: str) -> None:
        """Gives one message to the gateway, within twice GATEWAY_TIMEOUT_SECONDS.

        Raises `TemporaryFailure` or `PermanentFailure`.
        """

    def took(self, id: str, to: str, since: datetime) -> bool:
        """Whether the gateway accepted this message before. Answers within twice GATEWAY_TIMEOUT_SECONDS.

        False also if the gateway can't tell: a duplicate text does less harm than a missing one.
        Raises `TemporaryFailure` if the gateway doesn't answer.
        """


def gateway_for(settings: Settings) -> Gateway:
    # Importing the SDK takes more than a second and 46 MB, so it is imported only when it is used.
    if settings.sms_gateway == "aliyun":
        from sms.gateway.aliyun import AliyunGateway

        return AliyunGateway(settings)

    from sms.gateway.log import LogGateway

    return LogGateway()
