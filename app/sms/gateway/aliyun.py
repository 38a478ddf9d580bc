"""Alibaba Cloud SMS (SendSms and QuerySendDetails, 2017-05-25), through the official SDK."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_dysmsapi20170525.models import QuerySendDetailsRequest, SendSmsRequest
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from sms.gateway import PermanentFailure, TemporaryFailure
from sms.settings import Settings

# What is wrong with this very message stays wrong. Everything else can pass while the message
# waits: a limit, an outage, an unpaid bill, a key that is being changed. From the service's API
# error codes on help.aliyun.com.
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

# The days that QuerySendDetails counts in, and how many of them it remembers.
CHINA = timezone(timedelta(hours=8))
REMEMBERED_DAYS = 30
PAGE = 50

logger = logging.getLogger(__name__)


class AliyunGateway:
    def __init__(self, settings: Settings):
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
        # The task retries; a second loop inside it would only hide the attempts.
        self._runtime = RuntimeOptions(autoretry=False, connect_timeout=milliseconds, read_timeout=milliseconds)

    def send(self, id: str, to: str, text: str) -> None:
        request = SendSmsRequest(
            phone_numbers=to.removeprefix("+"),
            sign_name=self._sign_name,
            template_code=self._template_code,
            template_param=json.dumps({"text": text}, ensure_ascii=False),
            # Comes back in delivery reports, in the console and from QuerySendDetails.
            out_id=id,
        )
        try:
            code = self._client.send_sms_with_options(request, self._runtime).body.code
        except TeaException as error:  # the network's failures too: those have no code
            code = error.code or "no answer"
        # Nothing of the SDK's own exception goes further: it holds the URL, and that the number.
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

    def _records(self, to: str, day: str) -> Iterator:
        """What was sent to this number on that day."""
        page = 0
        total = 1
        while page * PAGE < total:
            page += 1
            request = QuerySendDetailsRequest(
                # Numbers of the mainland without their country code, unlike SendSms.
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
    """The code of a refusal: no permission for QuerySendDetails, too many questions."""


def _days(since: datetime) -> list[str]:
    first, today = since.astimezone(CHINA).date(), datetime.now(CHINA).date()
    days = min((today - first).days, REMEMBERED_DAYS - 1)
    return [f"{today - timedelta(days=back):%Y%m%d}" for back in range(days + 1)]
