"""The licensing service on real servers, its people and licences seeded, and devices that sign in to the bus.

``licensing``   ``Licensing``: one running instance over a database of its own, for a whole module, whose tests share an
                event loop with it; ``.mails`` is what its mail server caught
``acme``        a workspace of the test's own (the answer of services.licensing.seed), with ``.principal(email)``
``shared``      ``licensing``, for tests that seed what they need
``real_passwords``  passwords at their real cost, also those of ``acme``
``web``         ``Web``: the diary's web origin in front of it, which carries what browsers and programs ask

Who stops or doubles the service starts one of their own (test_bus_sign_in.py).
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.licensing import people
from tests.licensing.mailbox import Mailbox
from tests.licensing.support import REAL, Acme, Licensing
from tests.licensing.web import Web
from tests.support.servers import Installation, drop_databases, new_id


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture(scope="session")
def migrated(installation: Installation) -> Installation:
    installation.migrate("migration")
    return installation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(migrated: Installation) -> AsyncIterator[Licensing]:
    prefix = new_id("t").replace("-", "")
    with Mailbox() as mails:
        licensing = Licensing(migrated, prefix, smtp_url=mails.url, trusted_hosts="127.0.0.1")
        licensing.mails = mails
        try:
            async with licensing.running():
                yield licensing
        finally:
            drop_databases(migrated.mongo_url, prefix)


@pytest.fixture(scope="module")
def licensing(shared: Licensing) -> Licensing:
    return shared


@pytest.fixture
def real_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setattr(people, name, value)


@pytest_asyncio.fixture(loop_scope="module")
async def acme(licensing: Licensing) -> Acme:
    return await licensing.seed()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(shared: Licensing) -> AsyncIterator[Web]:
    async with Web(shared).running() as running:
        yield running
