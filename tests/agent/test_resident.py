"""The resident process for real: one per home, spoken with through its door, killed at any moment."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.__main__ import main
from services.wire import events
from tests.agent.desktop import ROOT, Home, activated, fast_clock, wait_for

HEAVY = ("pydantic", "PIL", "mss", "opentelemetry", "aiohttp", "nkeys", "pynput", "orjson", "services.wire.events")


def tell(home: Home, *command: str) -> int:
    return main(["--home", str(home.settings.home), *command])


def minutes(home: Home) -> int:
    spool = home.spool()
    try:
        return sum(record.minutes.bit_count() for record in spool.unsent(1000))
    finally:
        spool.close()


def test_start_note_stop_and_what_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """T-01, T-17, T-20: without a screen it says what cannot be seen, and records the rest."""
    with activated() as home, home.resident() as child:
        assert tell(home, "start", "--memo", "writing") == 0
        assert tell(home, "note", "--label", "Dev") == 0
        assert tell(home, "break") == 0
        assert "break since" in capsys.readouterr().out
        status = home.status()
        assert status["pid"] == child.pid
        assert "DISPLAY" in status["missing"]["windows"]
        assert status["missing"]["input"]
        assert tell(home, "contracts") == 0
        assert "contract  Work  labels: Dev" in capsys.readouterr().out
        assert tell(home, "work") == 0
        assert tell(home, "stop") == 0
        assert "stopped since" in capsys.readouterr().out
        assert tell(home, "stop") == 0
        assert tell(home, "break") == 1
        assert "nothing is running" in capsys.readouterr().err
        assert tell(home, "start", "--contract", "unknown") == 1
        assert "say which contract: contract" in capsys.readouterr().err
        spool = home.spool()
        (record,) = spool.unsent()
        spool.close()
        envelope = events.read(events.Envelope, record.body)
        detail = events.read(events.Detail, envelope.detail)
        assert (detail.memo, detail.label) == ("writing", "Dev")


def test_where_nothing_can_be_seen_nobody_is_called_idle() -> None:
    """T-17: unknown is not idle, and it is said what cannot be had."""
    clock = {"DAYBOOK_AGENT_CLOCK": fast_clock(120), "PATH": "/usr/bin:/bin"}
    with activated() as home, home.resident("--start", env=clock):
        wait_for(lambda: home.status()["minutes"]["session"] >= 7)
        status = home.status()
        assert status["status"] == "working"
        assert set(status["missing"]) == {"input", "windows"}


def test_one_instance_for_a_home() -> None:
    with activated() as home, home.resident() as first, home.resident() as second:
        assert second.wait(40) == 1
        assert second.stderr
        assert b"runs already" in second.stderr.read()
        assert home.status()["pid"] == first.pid


def test_what_does_not_run_is_said_clearly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "none"), "status"]) == 1
    assert "not activated" in capsys.readouterr().err
    with activated() as home:
        assert tell(home, "status", "--json") == 1
        assert "the agent is not running: start it with `run`" in capsys.readouterr().err


def test_told_to_end_it_closes_the_running_slot() -> None:
    """A computer that is shut down loses nothing."""
    with activated() as home, home.resident("--start") as child:
        assert home.status()["status"] == "working"
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
        assert minutes(home) >= 1


def test_kill_9_at_any_moment_costs_at_most_the_running_minute() -> None:
    """T-10: what the process had seen of whole minutes is in records after the next start, each minute once."""
    chance = random.Random(5)
    clock = {"DAYBOOK_AGENT_CLOCK": fast_clock(60), "PATH": "/usr/bin:/bin"}
    with activated() as home:
        safe = 0
        for _ in range(3):
            with home.resident("--start", env=clock) as child:
                lived = chance.randint(1, 4)
                # a slot may end meanwhile: what counts is what is on disk and in the open slot together
                wait_for(lambda lived=lived, safe=safe: home.status()["minutes"]["today"] >= safe + lived)
                status = home.status()
                child.kill()
                child.wait()
            safe = status["minutes"]["today"]
            assert status["cuts"] or status["minutes"]["session"] - status["segment_minutes"] <= 10
        with home.resident(env=clock) as child:
            assert minutes(home) >= safe
            child.send_signal(signal.SIGTERM)
            child.wait(30)
        spool = home.spool()
        carried = [(record.segment_id, record.minutes) for record in spool.unsent(100)]
        spool.close()
        for index, (segment, mask) in enumerate(carried):
            assert not any(mask & other for name, other in carried[:index] if name == segment)


def test_the_resident_process_imports_nothing_heavy() -> None:
    """T-16: pictures are taken by a worker; what the services use stays with the services."""
    code = (
        "import sys, agent.__main__, agent.resident, agent.x11, agent.input_x11, agent.foreground_x11\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
