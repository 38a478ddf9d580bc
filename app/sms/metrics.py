"""What is counted. The web counts across its processes, a worker is one process and counts alone."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

requests = Counter("sms_http_requests_total", "Answered requests.", ["method", "route", "status"])
request_seconds = Histogram("sms_http_request_seconds", "Time to answer a request.", ["method", "route"])

accepted = Counter("sms_messages_accepted_total", "Messages stored for sending; repeated keys don't count.")
unqueued = Counter("sms_messages_unqueued_total", "Messages that the broker didn't take; resend_stuck queues them.")
resent = Counter("sms_messages_resent_total", "Messages that resend_stuck queued again.")
sent = Counter("sms_messages_sent_total", "Messages that the gateway took.")
retried = Counter("sms_messages_retried_total", "Attempts that failed and are repeated.")
failed = Counter("sms_messages_failed_total", "Messages that were given up.")
purged = Counter("sms_messages_purged_total", "Finished messages that were deleted.")
gateway_seconds = Histogram("sms_gateway_seconds", "Time that one attempt took at the gateway, however it ended.")
task_seconds = Histogram("sms_task_seconds", "Time that a task took: succeeded, retried, failed.", ["task", "outcome"])


def exposition(*collectors: Collector) -> tuple[bytes, str]:
    """Everything counted, and what the collectors add, in Prometheus' text format, and its content type."""
    registry = REGISTRY
    # Set by sms.serve: each of the web's processes then keeps its numbers in files there.
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    for collector in collectors:
        registry.register(collector)
    return generate_latest(registry), CONTENT_TYPE_LATEST
