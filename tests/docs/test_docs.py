"""The documents say what the code does."""

import json
import re

from services.wire import asyncapi
from tests.support.servers import ROOT


def test_the_bus_is_described_as_it_is() -> None:
    """Otherwise: python -m services.wire.asyncapi > docs/asyncapi.json"""
    assert json.loads((ROOT / "docs/asyncapi.json").read_text()) == asyncapi.document()


def test_what_the_readme_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"`((?:agent|services|deploy|tests|docs)/[\w/.]+)`|\]\((?!http)([\w/.-]+)\)", readme)
    missing = [one for pair in named for one in pair if one and not (ROOT / one).exists()]
    assert missing == []
