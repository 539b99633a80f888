"""The command line and the ready file's licences, without starting anything."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.demo import UNUSED_LICENCES, Demo, seed_document
from deploy.local.keys import Keys, Places
from tests.support.servers import ROOT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "{file}", "--port", "0"], "cannot be used: File exists"),
        (["--data", "{file}/below", "--port", "0"], "cannot be used: Not a directory"),
        (["--data", "{folder}", "--port", "65536"], "a port is a number from 0 to 65535"),
        (["--data", "{folder}", "--port", "-1"], "a port is a number from 0 to 65535"),
        (["--data", "{folder}", "--fleet", "-1"], "a number of people is 0 or more"),
        (["--data", "{folder}", "--ready-file", "{folder}/nowhere/ready.json"], "name a file in a folder that exists"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    places = {"file": str(tmp_path / "file"), "folder": str(tmp_path / "data")}
    command = [sys.executable, "-m", "deploy.local", "up", *(one.format(**places) for one in arguments)]
    refused = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_licence_that_was_activated_is_no_longer_offered(tmp_path: Path) -> None:
    """fine-print.md, *One machine*: the ready file's licences are unused, in a later run too."""
    asked = seed_document(1, datetime.now(UTC))
    made = [
        {
            "workspace": f"ws-{number}",
            "people": [
                {"email": one["email"], "member": f"mem-{number}-{index}"} for index, one in enumerate(each["people"])
            ],
            "licences": [
                {"licence": f"lic-{index}", "key": f"K-{index}", "mode": "worklog", "member": one["member_email"]}
                | {"contract": "c"}
                for index, one in enumerate(each["licences"])
            ],
        }
        for number, each in enumerate(asked["workspaces"])
    ]
    demo = Demo.keep(tmp_path / "demo.json", asked, {"workspaces": made})
    last = len(asked["workspaces"][0]["licences"]) - 1
    offered = demo.ready("cap", {f"lic-{last}"})["licences"]
    assert len(offered) == UNUSED_LICENCES - 1
    assert f"K-{last}" not in {one["key"] for one in offered}


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "words"),
    [
        (["--help"], False, 0, "usage: python -m services.licensing.seed [--help] <document.json"),
        ([], False, 2, "missing or wrong: DAYBOOK_BUS_SEED"),
        ([], True, 2, "the document cannot be made: "),
    ],
)
def test_the_seeding_says_how_it_is_used_and_what_it_lacks(
    tmp_path: Path, arguments: list[str], settings: bool, status: int, words: str
) -> None:
    env = Keys.open(tmp_path).environment("licensing", Places("nats://x", "mongodb://x", "http://x", "http://x"))
    command = [sys.executable, "-m", "services.licensing.seed", *arguments]
    own = {name: value for name, value in os.environ.items() if not name.startswith("DAYBOOK_")}
    told = subprocess.run(
        command, cwd=ROOT, env=own | (env if settings else {}), input="[", capture_output=True, text=True, check=False
    )
    assert told.returncode == status
    assert words in told.stdout + told.stderr
    assert "Traceback" not in told.stderr
