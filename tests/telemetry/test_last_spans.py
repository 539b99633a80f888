"""What a process did last is told too, and a collector that hangs does not hold its end up."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.collector import Collector
from tests.support.servers import ROOT, Installation

SPEAKS = """
from services.kit import declared, telemetry
from services.kit.bus import Bus
from services.kit.service import Service, run
from services.kit.settings import Settings

async def speak():
    with telemetry.span(declared.ANSWER, verb="speak"):
        pass

settings = Settings()
run(Service("scoring", settings, Bus("scoring", settings), before=[speak]))
"""
NOT_BY_ITSELF = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}


@contextmanager
def _started(installation: Installation, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A service that has made one span and would send it in ten minutes."""
    named = installation.environment("scoring", mongo_prefix="unused")
    process = subprocess.Popen(
        [sys.executable, "-c", SPEAKS],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | named | env | NOT_BY_ITSELF,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert any("Uvicorn running" in line for line in process.stderr)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_last_spans_are_sent_before_a_process_ends(installation: Installation) -> None:
    collector = Collector()
    with collector.listening(), _started(installation, collector.environment()) as process:
        assert collector.spans() == []
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert [span.name for span in collector.spans()] == ["answer speak"]


def test_a_collector_that_hangs_does_not_hold_the_end_up(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{deaf.getsockname()[1]}"}
        with _started(installation, where) as process:
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            assert time.monotonic() - begun < 6  # its exporter waits for ten seconds, and then tries again
