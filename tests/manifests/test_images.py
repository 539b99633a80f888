"""Each deployable runs with its own lock and its own folders, and nothing that another brought along."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.manifests import images
from deploy.manifests.render import ROOT
from tests.manifests.conftest import INSTALLED, Image, copy, install

pytestmark = pytest.mark.timeout(300)  # an environment for each lock is installed


@pytest.mark.parametrize("service", INSTALLED)
def test_a_service_imports_with_its_own_lock_only(service: str, image: Callable[[str], Image]) -> None:
    """architecture.md, *The house*: an image installs its own file and nothing else."""
    modules = {images.module(service), "services.kit.migrate"}
    if service == "diary":
        modules.add("services.diary.projector")
    done = image(service).run("python", "-c", f"import {', '.join(sorted(modules))}")
    assert done.returncode == 0, done.stderr


def test_a_service_finds_no_sibling(image: Callable[[str], Image]) -> None:
    """Who imports whom: siblings meet on the bus; in an image there is nothing else to import."""
    done = image("scoring").run("python", "-c", "import services.kit.bus; import services.ingest.app")
    assert "No module named 'services.ingest'" in done.stderr


def test_the_agent_imports_with_its_own_lock_only(tmp_path: Path) -> None:
    """The agent takes from wire what is free of pydantic, and its lock has no server's package."""
    install(tmp_path / "venv", ROOT / "requirements" / "agent.txt")
    found = Image(copy(tmp_path / "app", ["agent", "services/wire"]), tmp_path / "venv" / "bin")
    elsewhere = ("_windows", "_macos")  # they need that system's libraries
    modules = [f"agent.{path.stem}" for path in (ROOT / "agent").glob("*.py") if not path.stem.endswith(elsewhere)]
    for absent in ("pydantic", "fastapi", "opentelemetry"):
        assert found.run("python", "-c", f"import {absent}").returncode, absent
    done = found.run("python", "-c", f"import {', '.join(modules)}")
    assert done.returncode == 0, done.stderr
