"""Health, metrics, and session tokens."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey
from prometheus_client import Counter, Gauge, Histogram

from services.kit import metrics
from services.kit.bus import Bus
from services.kit.principals import open_token, seal_token
from services.kit.problems import Problem
from services.kit.service import Service, respond
from services.kit.settings import Settings
from services.wire.requests import Principal
from tests.support.servers import ROOT, Installation

KEY = SigningKey(b"k" * 32)
PUBLIC = bytes(KEY.verify_key)
ANA = Principal(
    session="s", workspace="ws", member="m", role="employee", name="Ana – é", person="p", issued=100, expires=200
)


async def test_readiness_asks_every_part_and_liveness_none(bus: Bus, settings: Settings) -> None:
    """A store that is away is no reason to be killed, and one to be given no work."""
    away = False

    async def store() -> None:
        if away:
            raise ConnectionError

    service = Service("x", settings, bus, {"store": store})
    async with service.running():
        assert (await respond(service, "/readyz") or (0,))[0] == 200
        away = True
        answer = await respond(service, "/readyz")
        assert answer is not None
        assert (answer[0], answer[2]) == (503, b'{"bus":"ok","store":"ConnectionError"}')
        assert (await respond(service, "/livez") or (0,))[0] == 200
        assert b"daybook_messages_total" in (await respond(service, "/metrics") or (0, "", b""))[2]
        assert await respond(service, "/elsewhere") is None


async def test_parts_are_stopped_also_when_one_does_not_start(bus: Bus, settings: Settings) -> None:
    said: list[str] = []

    async def before() -> None:
        raise ConnectionError

    async def after() -> None:
        said.append("closed")

    with pytest.raises(ConnectionError):
        async with Service("x", settings, bus, before=[before], after=[after]).running():
            said.append("ran")
    assert said == ["closed"]


def test_a_service_that_cannot_start_ends(installation: Installation, tmp_path: Path) -> None:
    """Nobody would start it again if it stayed, alive and never ready."""
    env = installation.environment("ingest", mongo_prefix="unused") | {"DAYBOOK_MONGO_URL": "mongodb://127.0.0.1:9"}
    command = [sys.executable, "-m", "services.ingest.app"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"]} | env, capture_output=True, timeout=60, check=False
    )
    assert done.returncode != 0


def test_labels_are_classes_of_things_never_ids() -> None:
    """A label that names a device would be one series for each of ten thousand."""
    known = {"subject", "outcome", "verb", "status", "stage", "source", "kind", "reason"}
    declared = [one for one in vars(metrics).values() if isinstance(one, Counter | Gauge | Histogram)]
    assert declared
    for one in declared:
        assert set(one._labelnames) <= known


def test_a_token_opens_to_who_it_was_sealed_for() -> None:
    assert open_token(PUBLIC, seal_token(KEY, ANA), now=199.9) == ANA


def test_a_token_ends() -> None:
    with pytest.raises(ValueError, match="over"):
        open_token(PUBLIC, seal_token(KEY, ANA), now=200)


def test_another_key_or_another_kind_of_signature_opens_nothing() -> None:
    """A session is signed in a domain of its own: no notice or record passes for one."""
    token = seal_token(KEY, ANA)
    with pytest.raises(ValueError):
        open_token(bytes(SigningKey(b"o" * 32).verify_key), token, now=0)
    payload, _ = token.split(".")
    other = KEY.sign(b"daybook/notice/v1\0" + payload.encode()).signature
    with pytest.raises(ValueError):
        open_token(PUBLIC, f"{payload}.{base64.urlsafe_b64encode(other).decode().rstrip('=')}", now=0)


@given(st.data())
def test_no_changed_token_opens(data: st.DataObject) -> None:
    token = seal_token(KEY, ANA)
    index = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda one: one != token[index]))
    changed = token[:index] + letter + token[index + 1 :]
    try:
        opened = open_token(PUBLIC, changed, now=0)
    except ValueError:
        return
    # base64 has spare bits in its last letter: then it is the same token in another spelling, never another principal
    assert opened == ANA


@given(st.text(max_size=200))
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        open_token(PUBLIC, text, now=0)


def test_a_problem_travels_whole() -> None:
    problem = Problem(409, "no-seat-left", "No seat is left.", "Ask your admin.", holder="laptop")
    again = Problem.from_document(problem.document())
    assert (again.status, again.kind, again.title, again.detail, again.extra) == (
        409,
        "no-seat-left",
        "No seat is left.",
        "Ask your admin.",
        {"holder": "laptop", "rule": "L-03"},
    )
