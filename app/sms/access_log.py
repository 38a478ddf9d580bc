"""gunicorn's own log and its access log, as the same JSON lines as everything else."""

import logging

from gunicorn.glogging import Logger

from sms import logs
from sms.settings import settings

PROBES = {"/healthz", "/readyz", "/metrics"}


class JsonLogger(Logger):
    def setup(self, cfg):
        logs.configure("web", settings())
        self.error_log.propagate = self.access_log.propagate = True

    def access(self, resp, req, environ, request_time):
        # Neither query nor headers: what they hold isn't ours to keep. Probes that go well are noise.
        status = int(resp.status.split()[0])
        quiet = environ["PATH_INFO"] in PROBES and status < 400
        self.access_log.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "status": status,
                "bytes": resp.sent,
                "milliseconds": round(request_time.total_seconds() * 1000, 1),
                "client": environ.get("REMOTE_ADDR"),
            },
        )
