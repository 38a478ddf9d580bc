"""Alibaba Cloud SMS (SendSms, 2017-05-25), through the official SDK."""

import json

from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_dysmsapi20170525.models import SendSmsRequest
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
            # Comes back in delivery reports and in the console: it is how two deliveries of one
            # message are told from two messages.
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
