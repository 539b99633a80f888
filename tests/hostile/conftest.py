"""Hostile requests against a whole stack with two tenants.

``ours``    ``tests.hostile.tenants.Tenant``: the workspace that the attackers belong to, with a session of every role
``theirs``  the workspace that they are after
``app_doors``  every route of the web with the action it declares
"""

import pytest

from tests.hostile.tenants import Tenant
from tests.support.routes import Door, doors
from tests.support.stack import Stack


@pytest.fixture(scope="session")
def ours(stack: Stack) -> Tenant:
    return Tenant(stack, other=False)


@pytest.fixture(scope="session")
def theirs(stack: Stack) -> Tenant:
    return Tenant(stack, other=True)


@pytest.fixture(scope="session")
def app_doors() -> list[Door]:
    return list(doors())
