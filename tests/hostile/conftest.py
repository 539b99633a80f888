"""Hostile requests against a whole stack with two tenants.

``ours``    ``tests.hostile.tenants.Tenant``: the workspace that the attackers belong to, with a session of every role
``theirs``  the workspace that they are after
``app_doors``  every route of the web with the action it declares
"""

import time
from typing import Any

import pytest

from tests.hostile.counting import MADE
from tests.hostile.tenants import Tenant
from tests.support.routes import Door, doors
from tests.support.stack import Stack

_BEGAN = time.monotonic()


@pytest.fixture(scope="session")
def ours(stack: Stack) -> Tenant:
    return Tenant(stack, other=False)


@pytest.fixture(scope="session")
def theirs(stack: Stack) -> Tenant:
    return Tenant(stack, other=True)


@pytest.fixture(scope="session")
def app_doors() -> list[Door]:
    return list(doors())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The figure that ``make hostile`` is about."""
    if MADE["requests"]:
        classes = ", ".join(f"{name} {count}" for name, count in sorted(MADE.items()) if name.endswith("xx"))
        spent = time.monotonic() - _BEGAN
        told = f"{MADE['requests']} hostile requests ({classes}) in {spent:.0f} s, {MADE['succeeded']} succeeded"
        terminalreporter.write_line(told)
