"""Fixtures that every test may use. All servers are real, started when first asked for, and gone with the test run.

Each pytest-xdist worker has servers of its own, so a test may kill them, if it starts them again (same port and data).

``mongo_url``      URL of a MongoDB replica set (DAYBOOK_MONGO_URL when set)
``mongo_server``   its ``Mongo`` object: kill(), start(), wait_ready(), restart(); skips where DAYBOOK_MONGO_URL is set
``nats_server``    ``Nats``: a JetStream bus without users: .url, .monitor_url, kill(), start(), wipe(), restart()
``s3_server``      ``ObjectStore``: .url, .access_key, .secret_key, .client() (a ``minio.Minio``)
``installation``   ``tests.support.servers.Installation``: keys and a bus with the real accounts, users and permissions
                   (auth callout included), MongoDB, and ``.s3`` (started when asked for). No service runs in it.
                   ``.keys`` secrets (deploy/local/keys.py) · ``.environment("ingest", mongo_prefix=…)`` its variables ·
                   ``.migrate(mongo_prefix)`` makes streams and durables · ``await .connect("ingest")`` a connection
                   with that user's permissions · ``await .connect()`` one that may do everything, to publish and look ·
                   ``.reset_bus()`` an empty bus again

``stack``          ``tests.support.stack.Stack``: all of Daybook as ``make run`` starts it, without a fleet; a test may
                   kill its parts, the supervisor starts them again; each test takes licences of its own. It ends with
                   the last test of its groups (tests/support/scheduling.py)
``collector``      ``tests.support.collector.Collector``: what ``stack`` has emitted

Apart from each other, tests of one worker share these servers, so each takes names of its own:

``mongo_prefix``   a database prefix of its own (databases are ``<prefix>_<service>``), dropped afterwards
``workspace_id``   a workspace id of its own; ``tests.support.servers.new_id("member")`` for other ids
``bucket``         an object store bucket of its own in ``s3_server``, emptied and removed afterwards
"""

import functools
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from deploy.local.servers import Mongo, Nats, ObjectStore, object_store
from tests.support import scheduling
from tests.support.collector import Collector
from tests.support.long import unless_long
from tests.support.servers import Installation, drop_databases, mongo, new_id
from tests.support.stack import Stack

# On a shared machine the time an example takes says nothing about the code.
hypothesis_settings.register_profile(
    "daybook", max_examples=unless_long(40, 1000), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("daybook")

# Each HTTP client reads all certificates that the machine trusts, 50 ms of CPU, and tests make some for every page.
_made = ssl.create_default_context
_made_once = functools.cache(_made)


def _context(*asked: Any, **more: Any) -> ssl.SSLContext:
    told_otherwise = "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ
    return (_made if told_otherwise else _made_once)(*asked, **more)


ssl.create_default_context = _context


_STACK = pytest.StashKey[Stack]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    scheduling.in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduling.Together | None:
    return scheduling.Together(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Two more than there are cores, for many tests wait for a fact most of their time."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (os.cpu_count() or 1) + 2


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this worker's servers keep their data."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def nats_server(server_folder: Path) -> Iterator[Nats]:
    server = Nats(server_folder / "open-nats").start()
    try:
        yield server.wait_ready()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def _mongo(server_folder: Path) -> Iterator[Mongo | str]:
    with mongo(server_folder / "mongo") as found:
        yield found


@pytest.fixture(scope="session")
def mongo_server(_mongo: Mongo | str) -> Mongo:
    if isinstance(_mongo, str):
        pytest.skip("DAYBOOK_MONGO_URL names a server that is not ours to kill")
    return _mongo


@pytest.fixture(scope="session")
def mongo_url(_mongo: Mongo | str) -> str:
    return _mongo if isinstance(_mongo, str) else _mongo.url


@pytest.fixture(scope="session")
def s3_server(server_folder: Path) -> Iterator[ObjectStore]:
    server = object_store(server_folder / "open-s3").start()
    try:
        yield server.wait_ready()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def installation(server_folder: Path, mongo_url: str) -> Iterator[Installation]:
    made = Installation(server_folder / "installation", mongo_url)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def mongo_prefix(mongo_url: str) -> Iterator[str]:
    prefix = new_id("t").replace("-", "")
    yield prefix
    drop_databases(mongo_url, prefix)


@pytest.fixture
def workspace_id() -> str:
    return new_id("ws")


@pytest.fixture
def bucket(s3_server: ObjectStore) -> Iterator[str]:
    name = new_id("bucket")
    client = s3_server.client()
    client.make_bucket(name)
    yield name
    for entry in client.list_objects(name, recursive=True):
        client.remove_object(name, entry.object_name or "")
    client.remove_bucket(name)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    with Collector().listening() as listening:
        yield listening


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:  # for the stack alone, not for what other tests start meanwhile
        for name, value in collector.environment().items():
            patch.setenv(name, value)
        made = Stack(tmp_path_factory.mktemp("stack"), module="tests.support.staged")
    request.config.stash[_STACK] = made
    try:
        yield made.wait_ready()
    finally:
        made.stop()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Ends the stack with its groups: idle, its nine processes would cost the other tests a tenth of a core."""
    if _STACK in item.config.stash and scheduling.is_last_of_the_stack(item.nodeid, nextitem and nextitem.nodeid):
        item.config.stash[_STACK].stop()
