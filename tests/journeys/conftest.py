"""Fixtures of whole journeys.

``home``  a folder for an agent, in a path that is short enough for its socket
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="daybook-"))
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)
