"""Secrets and the bus's configuration."""

import asyncio
import base64
import json
import subprocess
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError

from deploy.local import bus_config
from deploy.local.keys import BUS_USERS, SERVICES, Keys, Places
from deploy.local.servers import _SCRIPTS
from services.kit.bus import round_trip
from tests.support.servers import Installation

PLACES = Places(nats="nats://n", mongo="mongodb://m", s3="http://s")


def test_keys_are_kept_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    made = Keys.open(tmp_path)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert Keys.open(tmp_path).environment("licensing", PLACES) == made.environment("licensing", PLACES)


def test_a_key_that_a_newer_version_needs_is_added(tmp_path: Path) -> None:
    before = Keys.open(tmp_path)
    path = tmp_path / "keys.json"
    kept = json.loads(path.read_text())
    del kept["sign:seal"]
    path.write_text(json.dumps(kept))
    after = Keys.open(tmp_path)
    assert len(base64.b64decode(after.signing_seed("seal"))) == 32
    assert after.issuer_seed == before.issuer_seed


@pytest.mark.parametrize(
    ("secret", "holders"),
    [
        ("DAYBOOK_NOTICE_SEED", {"ingest", "licensing"}),
        ("DAYBOOK_SESSION_SEED", {"licensing"}),
        ("DAYBOOK_LICENCE_SEED", {"licensing"}),
        ("DAYBOOK_ISSUER_SEED", {"licensing"}),
        ("DAYBOOK_CALLOUT_SEED", {"licensing"}),
        ("DAYBOOK_SYS_SEED", {"licensing"}),
        ("DAYBOOK_SEAL_SEED", {"diary", "projector"}),
        ("DAYBOOK_S3_SECRET_KEY", {"media"}),
    ],
)
def test_a_secret_is_given_only_to_those_who_need_it(tmp_path: Path, secret: str, holders: set[str]) -> None:
    keys = Keys.open(tmp_path)
    environments = {service: keys.environment(service, PLACES) for service in (*SERVICES, "migrate")}
    assert {service for service, env in environments.items() if secret in env} == holders
    value = environments[next(iter(holders))][secret]
    assert {service for service, env in environments.items() if value in env.values()} == holders


def test_the_server_accepts_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "nats.conf"
    config.write_text(bus_config.render(Keys.open(tmp_path), tmp_path / "js", 4222, 8222, "test"))
    done = subprocess.run([_SCRIPTS / "nats-server", "-t", "-c", config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("user", BUS_USERS)
async def test_services_sign_in_while_licensing_is_down(installation: Installation, user: str) -> None:
    client = await installation.connect(user)
    await round_trip(client)
    await client.close()


async def test_a_service_reaches_only_what_it_needs(installation: Installation, workspace_id: str) -> None:
    refused: asyncio.Queue[Exception] = asyncio.Queue()
    scoring = await installation.connect("scoring", error_cb=refused.put)
    await scoring.publish(f"segment.scored.{workspace_id}.m", b"{}")
    await scoring.publish(f"receipts.{workspace_id}.d", b"{}")
    await round_trip(scoring)
    error = str(await asyncio.wait_for(refused.get(), 5)).lower()
    assert "permissions violation" in error
    assert "receipts" in error
    assert refused.empty()
    await scoring.close()


async def test_an_unlisted_key_is_refused_while_licensing_is_down(installation: Installation, tmp_path: Path) -> None:
    async def silent(error: Exception) -> None:
        """The refusal is asserted on below."""

    async def sign_in(seed: str) -> None:
        url = installation.nats.url
        client = await nats.connect(url, nkeys_seed_str=seed, allow_reconnect=False, error_cb=silent)
        await client.flush(timeout=5)  # connecting alone seems to succeed while nobody answers the callout

    with pytest.raises((NatsError, OSError)):
        await sign_in(Keys.open(tmp_path).bus_seed("ingest"))
