"""Alibaba Cloud SMS (SendSms and QuerySendDetails, 2017-05-25), through the official SDK."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_dysmsapi20170525.models import QuerySendDetailsRequest, SendSmsRequest
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from sms.gateway import PermanentFailure, TemporaryFailure
from sms.settings import Settings

# Faults of the message itself, which no retry repairs. All other faults can end while the message waits:
# a limit, an outage, an unpaid bill, a key that is being changed. Source: the service's API error codes
# on help.aliyun.com.
PERMANENT = {
    "isv.BLACK_KEY_CONTROL_LIMIT",
    "isv.INVALID_JSON_PARAM",
    "isv.INVALID_PARAMETERS",
    "isv.MOBILE_COUNT_OVER_LIMIT",
    "isv.MOBILE_NUMBER_ILLEGAL",
    "isv.PARAM_LENGTH_LIMIT",
    "isv.PARAM_NOT_SUPPORT_URL",
    "isv.TEMPLATE_PARAMS_ILLEGAL",
}

# The time zone of QuerySendDetails' days, and how many days its records go back.
CHINA = timezone(timedelta(hours=8))
REMEMBERED_DAYS = 30
PAGE = 50

logger = logging.getLogger(__name__)


class AliyunGateway:
    def __init__(self, settings: Settings):
        assert settings.aliyun_access_key_secret  # The settings require it with SMS_GATEWAY=aliyun.
        endpoint = settings.aliyun_sms_endpoint
        self._sign_name = settings.aliyun_sms_sign_name
        self._template_code = settings.aliyun_sms_template_code
        self._client = Client(
            Config(
                access_key_id=settings.aliyun_access_key_id,
                access_key_secret=settings.aliyun_access_key_secret.get_secret_value(),
                endpoint=f"{endpoint.host}:{endpoint.port}",
                protocol=endpoint.scheme,
            )
        )
        milliseconds = int(settings.gateway_timeout_seconds * 1000)
        # The task retries. Retries inside the SDK would hide the attempts.
        self._runtime = RuntimeOptions(autoretry=False, connect_timeout=milliseconds, read_timeout=milliseconds)

    def send(self, id: str, to: str, text: str) -> None:
        request = SendSmsRequest(
            phone_numbers=to.removeprefix("+"),
            sign_name=self._sign_name,
            template_code=self._template_code,
            template_param=json.dumps({"text": text}, ensure_ascii=False),
            # Delivery reports, the console and QuerySendDetails show this id.
            out_id=id,
        )
        try:
            code = self._client.send_sms_with_options(request, self._runtime).body.code
        except TeaException as error:  # Also raised for network failures, which have no code.
            code = error.code or "no answer"
        # The SDK's exception contains the URL, and the URL contains the number. So only the code is passed on.
        if code in PERMANENT:
            raise PermanentFailure(code)
        if code != "OK":
            raise TemporaryFailure(code)

    def took(self, id: str, to: str, since: datetime) -> bool:
        try:
            return any(record.out_id == id for day in _days(since) for record in self._records(to, day))
        except _NotTold as refusal:
            logger.warning("the gateway doesn't tell what it took", extra={"message_id": id, "error": str(refusal)})
            return False

    def _records(self, to: str, day: str) -> Iterator[Any]:
        """The messages that were sent to this number on that day."""
        page = 0
        total = 1
        while page * PAGE < total:
            page += 1
            request = QuerySendDetailsRequest(
                # Unlike SendSms, this call takes numbers of mainland China without their country code.
                phone_number=to.removeprefix("+").removeprefix("86"),
                send_date=day,
                page_size=PAGE,
                current_page=page,
            )
            try:
                body = self._client.query_send_details_with_options(request, self._runtime).body
            except TeaException as error:
                if error.code:
                    raise _NotTold(error.code) from None
                raise TemporaryFailure("no answer") from None
            if body.code != "OK":
                raise _NotTold(body.code)
            total = int(body.total_count or 0)
            yield from body.sms_send_detail_dtos.sms_send_detail_dto if body.sms_send_detail_dtos else []


class _NotTold(Exception):
    """The gateway refused QuerySendDetails: no permission, or too many calls. The text is the error code."""


def _days(since: datetime) -> list[str]:
    first, today = since.astimezone(CHINA).date(), datetime.now(CHINA).date()
    days = min((today - first).days, REMEMBERED_DAYS - 1)
    return [f"{today - timedelta(days=back):%Y%m%d}" for back in range(days + 1)]
