"""Prometheus metrics, each declared once with what it counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("anju_messages_total", "Messages handled", ["lane", "result"])
PUSHES = Counter("anju_pushes_total", "HTTP pushes answered", ["adapter", "result"])
QUARANTINED = Counter("anju_quarantined_total", "Messages that could not be decoded", ["reason"])
THROTTLED = Counter(
    "anju_throttled_total", "Messages held back because their device sends too many", ["lane"]
)
BATCH_SECONDS = Histogram(
    "anju_batch_seconds",
    "Decode to commit of one batch",
    ["lane"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
LANE_BACKLOG = Gauge("anju_lane_backlog", "Messages received and not yet committed", ["lane"])
LANE_UP = Gauge("anju_lane_up", "1 while a lane's MQTT session is connected", ["lane"])
INCIDENTS_OPENED = Counter("anju_incidents_opened_total", "Incidents opened", ["kind", "severity"])
CHECKS_ENDED = Counter("anju_checks_ended_total", "Checks ended", ["kind", "result"])
NOTICES = Counter("anju_notices_total", "Delivery attempts settled", ["channel", "result"])
NOTICE_SECONDS = Histogram(
    "anju_notice_seconds",
    "Incident committed to notice handed to its channel",
    ["severity"],
    buckets=(0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300),
)
DEADLINES_OVERDUE = Gauge(
    "anju_deadlines_overdue", "Open incidents whose deadline passed unhandled; must be 0"
)
CLOCK_STEPS = Counter("anju_clock_steps_total", "Times wall and monotonic clock parted")
CANARY_AGE = Gauge("anju_canary_age_seconds", "Age of the last canary that arrived", ["lane"])
