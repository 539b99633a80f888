"""A signal is heard where the supervisor waits; and what it tells while the demo comes up."""

import signal
from pathlib import Path

import pytest

from deploy.local import process
from deploy.local.narrator import Narrator
from deploy.local.process import Child, Stopped


def test_who_is_asked_to_stop_hears_it_where_it_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process._Wish, "come", False)
    child = Child("sleeper", ["sleep", "600"], tmp_path / "log")
    child.start()
    process.rest(0)
    process.ask_to_stop(signal.SIGTERM, None)
    assert child.alive  # asking takes a lock: nothing may be raised there
    with pytest.raises(Stopped):
        child.wait(60)
    child.stop()
    assert child.returncode == -signal.SIGTERM


def test_what_still_arrives_is_told_until_all_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    narrator, said = Narrator(), []
    progress: dict[str, object] = {"segments": 9, "records_waiting": 4, "pictures_waiting": 3}
    progress |= {"fresh_since": "2026-11-16", "caught_up": False, "arrived": False}
    for change in ({}, {"records_waiting": 0, "pictures_waiting": 0}, {"caught_up": True, "pictures_waiting": 2}):
        narrator.tell(progress | change)
        said.append(capsys.readouterr().out)
    narrator.tell(progress | {"caught_up": True, "arrived": True})
    narrator.tell(progress | {"caught_up": True, "arrived": True})
    assert said == [
        "9 segments of a fortnight lived; to send: 4 records, 3 pictures …\n",
        "Waiting for the diary to show it all …\n",
        "2 pictures, most of them from before 2026-11-16, are still arriving …\n",
    ]
    assert capsys.readouterr().out == "All 9 segments and their pictures have arrived.\n"
