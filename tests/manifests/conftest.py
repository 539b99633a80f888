"""Images without an engine: what deploy/Dockerfile would put into each, with a Python environment of its own lock.

Installing five locks and compiling what they hold takes a minute: in an ordinary test run it is one, ``INSTALLED``, and
the others have this environment's packages.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.manifests import images
from deploy.manifests.render import K8S, ROOT, Document, render
from tests.support.long import unless_long

INSTALLED = unless_long(("ingest",), images.SERVICES)
"""The services whose image has the packages of its own lock and no others."""
_UV = str(Path(sysconfig.get_path("scripts")) / "uv")


@dataclass(frozen=True)
class Image:
    """``app`` is what /app holds, ``python`` the folder of the environment's programs."""

    app: Path
    python: Path
    own: bool = True
    """Whether the environment is of the image's own lock."""

    def environment(self) -> dict[str, str]:
        """The variables of an image itself; nothing of this machine's."""
        if not self.own:
            return {"PATH": str(self.python), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        cache = self.python.parents[1] / "cache"  # beside the image: what was compiled once serves the next start
        return {"PATH": str(self.python), "PYTHONPYCACHEPREFIX": str(cache), "PYTHONUNBUFFERED": "1"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of the image, to its end."""
        return subprocess.run(
            command, cwd=self.app, env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )

    def files(self) -> set[Path]:
        """All that is in it."""
        return {*self.app.rglob("*"), *(self.python.parent.rglob("*") if self.own else ())}


def _mirror() -> dict[str, str]:
    """uv does not read pip's settings, and a machine with a mirror usually has set pip's."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    given = {"UV_DEFAULT_INDEX": index} if index and "UV_DEFAULT_INDEX" not in os.environ else {}
    return os.environ | given | {"UV_SYSTEM_CERTS": "1"}  # as deploy/setup.sh


def install(venv: Path, lock: Path) -> None:
    """A Python environment of a lock and nothing else, every file by its hash."""
    env = _mirror()
    subprocess.run([_UV, "venv", "--quiet", "--python", sys.executable, str(venv)], env=env, check=True)
    command = [_UV, "pip", "install", "--quiet", "--python", str(venv), "--require-hashes", "--no-deps"]
    subprocess.run([*command, "-r", str(lock)], env=env, check=True, timeout=300)


def copy(folder: Path, paths: list[str]) -> Path:
    """These paths of the tree, as /app has them."""
    for path in paths:
        shutil.copytree(ROOT / path, folder / path, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    return folder


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Image]:
    """``image("ingest")``: built when first asked for; services whose locks are the same share their environment."""
    built: dict[str, Image] = {}
    venvs: dict[bytes, Path] = {}

    def python(service: str) -> Path:
        if service not in INSTALLED:
            return Path(sys.executable).parent
        lock = ROOT / "requirements" / f"{service}.txt"
        if lock.read_bytes() not in venvs:
            venvs[lock.read_bytes()] = tmp_path_factory.mktemp("image") / "venv"
            install(venvs[lock.read_bytes()], lock)
        return venvs[lock.read_bytes()] / "bin"

    def get(service: str) -> Image:
        if service not in built:
            paths = [path for path in images.copied(service, "service") if path.startswith("services")]
            app = copy(tmp_path_factory.mktemp(f"image-{service}") / "app", paths)
            built[service] = Image(app, python(service), service in INSTALLED)
        return built[service]

    return get


@pytest.fixture(scope="session")
def small() -> list[Document]:
    """The small overlay, rendered."""
    return render(K8S / "overlays" / "small")


@pytest.fixture(scope="session")
def large() -> list[Document]:
    """The large overlay, rendered."""
    return render(K8S / "overlays" / "large")
