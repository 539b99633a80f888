"""Processes that are forked instead of started (deploy/local/nursery.py): nobody can tell them from others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.nursery import Nursery
from deploy.local.process import StartError
from deploy.local.services import step
from tests.support.servers import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """One that has imported next to nothing."""
    found = Nursery(tmp_path_factory.mktemp("nursery") / "nursery.log", ["json.tool"])
    found.start()
    yield found
    found.close()


def _cmdline(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_it_runs_a_module_with_its_input_and_tells_how_it_ended(nursery: Nursery, tmp_path: Path) -> None:
    child = step("tool", "json.tool", {}, tmp_path / "tool.log")
    child.command += ["--indent", "1"]
    assert child.run(b"[1]", 60, nursery) == b"[\n 1\n]\n"
    with pytest.raises(StartError, match="status 1"):
        child.run(b"[1", 60, nursery)
    assert "Expecting" in child.log.read_text()


def test_its_process_has_a_group_and_an_environment_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    code = "import os; print(os.environ.get('DAYBOOK_TOLD'), os.getpgid(0) == os.getpid(), os.getppid(), os.getcwd())"
    child = step("said", "timeit", {"DAYBOOK_TOLD": "yes"}, tmp_path / "said.log")
    child.command += ["-n", "1", "-r", "1", code]
    said = child.run(b"", 60, nursery).decode().splitlines()[0]
    assert said.split() == ["yes", "True", str(os.getpid()), str(ROOT)]
    assert "DAYBOOK_TOLD" not in os.environ


def test_what_it_forked_is_killed_and_started_as_any_other(nursery: Nursery, tmp_path: Path) -> None:
    child = step("waits", "http.server", {}, tmp_path / "waits.log")
    child.command += ["0", "--bind", "127.0.0.1"]
    child.start(nursery)
    assert "deploy.local.nursery" in _cmdline(child.pid)
    child.kill()
    assert child.returncode == -signal.SIGKILL
    child.start()
    assert "http.server" in _cmdline(child.pid)
    child.stop()


def test_without_a_nursery_a_process_is_started_all_the_same(tmp_path: Path) -> None:
    broken = Nursery(tmp_path / "nursery.log", ["there.is.no.such.module"])
    broken.start()
    child = step("tool", "json.tool", {}, tmp_path / "tool.log")
    assert child.run(b"1", 60, broken) == b"1\n"
    broken.close()


def test_what_it_forked_ends_with_its_starter(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom deploy.local.nursery import Nursery\n"
        "from deploy.local.services import step\n"
        "nursery = Nursery(Path(sys.argv[1]) / 'nursery.log', ['json.tool'])\nnursery.start()\n"
        "child = step('waits', 'http.server', {}, Path(sys.argv[1]) / 'waits.log')\nchild.command.append('0')\n"
        "child.start(nursery)\nprint(child.pid, flush=True)\ntime.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    deadline = time.monotonic() + 20
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """A zombie waits for init, and does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
