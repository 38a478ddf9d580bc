"""The gateway for trying things out: a log line in place of a text message."""

import logging
from datetime import datetime

logger = logging.getLogger(__name__)


class LogGateway:
    def send(self, id: str, to: str, text: str) -> None:
        logger.info("would send", extra={"message_id": id, "to": masked(to), "characters": len(text)})

    def took(self, id: str, to: str, since: datetime) -> bool:
        return False


def masked(number: str) -> str:
    """`+8613800138000` as `**********8000`: enough to recognise, too little to call."""
    return "*" * (len(number) - 4) + number[-4:]
