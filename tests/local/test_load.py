"""The load generator: the agent's own code on thousands of endpoints, and a ledger of its own that tells the truth."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.keys import Keys
from deploy.local.load import Verdict, compare
from tests.support.servers import ROOT
from tests.support.stack import Stack


def test_all_that_endpoints_closed_offline_is_in_the_ledger_and_nothing_else(stack: Stack) -> None:
    """T-10: two hours offline, all home at once."""
    command = [sys.executable, "-m", "deploy.local.load", str(stack.ready_file), "--data", str(stack.data)]
    done = subprocess.run(
        [*command, "--endpoints", "6", "--hours", "2", "--processes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Accepted 72, lost 0, altered 0, unknown 0." in done.stdout


def test_a_record_that_is_not_there_is_lost(stack: Stack, tmp_path: Path) -> None:
    share = tmp_path / "0"
    share.mkdir()
    line = {"device": "dev-never-seen", "seq": 1, "hash": "0" * 64}
    (share / "ledger.jsonl").write_text(json.dumps(line) + "\n")
    seed = Keys.open(stack.data).bus_seed("diary")
    verdict = asyncio.run(compare(seed, stack.ready["nats"], stack.ready["workspace"], tmp_path, 2, datetime.now(UTC)))
    assert verdict == Verdict(closed=1, accepted=0, lost=1, altered=0, unknown=0)
    assert not verdict.sound
