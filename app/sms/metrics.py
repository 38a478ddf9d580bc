"""The metrics. The web's processes add up their numbers. A worker is a single process."""

import os
from socketserver import ThreadingTCPServer
from threading import Thread

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import MetricsHandler
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

requests = Counter("sms_http_requests_total", "Answered requests.", ["method", "route", "status"])
request_seconds = Histogram("sms_http_request_seconds", "Time to answer a request.", ["method", "route"])

accepted = Counter("sms_messages_accepted_total", "Messages stored for sending; repeated keys don't count.")
refused = Counter("sms_refused_total", "Requests beyond a limit.", ["client", "limit"])
unqueued = Counter("sms_messages_unqueued_total", "Messages that the broker didn't take; resend_stuck queues them.")
resent = Counter("sms_messages_resent_total", "Messages that resend_stuck queued again.")
sent = Counter("sms_messages_sent_total", "Messages that the gateway took.")
retried = Counter("sms_messages_retried_total", "Attempts that failed and are repeated.")
failed = Counter("sms_messages_failed_total", "Messages that were given up.")
purged = Counter("sms_messages_purged_total", "Finished messages that were deleted.")
gateway_seconds = Histogram("sms_gateway_seconds", "Time that one attempt took at the gateway, however it ended.")
task_seconds = Histogram("sms_task_seconds", "Time that a task took: succeeded, retried, failed.", ["task", "outcome"])


def serve(port: int, *collectors: Collector) -> None:
    """Serves the metrics and those of the collectors, from a thread of this process. Port 0 serves nothing.

    The port differs from the port for requests, because clients must not read the metrics.
    """
    if port:
        server = _Server(("", port), _Handler.factory(_registry(collectors)))
        Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _registry(collectors: tuple[Collector, ...]) -> CollectorRegistry:
    registry = REGISTRY
    # sms.serve sets this variable. Each of the web's processes then keeps its numbers in files in that folder.
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    for collector in collectors:
        registry.register(collector)
    return registry


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    # All of the web's processes listen on this port. Each of them answers for all.
    allow_reuse_port = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Logs nothing: a scraper that disconnects early is not an error."""


class _Handler(MetricsHandler):
    # Closes an idle connection after this many seconds.
    timeout = 10
