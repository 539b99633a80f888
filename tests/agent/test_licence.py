"""The licence on the computer, offline: its document, its span, its grace, and clocks that are set (L-02, L-04)."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from agent.__main__ import main
from agent.activation import ActivationError, activate
from agent.clock import HandClock
from agent.evidence import Evidence
from agent.policy import Entitlement, Policy, read_entitlement
from agent.resident import remember, remembered
from agent.session import NotAllowed, Session
from agent.settings import Activation, Settings
from agent.spool import Spool
from services.wire import licence, slots
from tests.agent.doubles import START, identity
from tests.agent.life import PlayedDesk, entitled

KEY, STRANGER = SigningKey(b"\3" * 32), SigningKey(b"\4" * 32)
PUBLIC = base64.b64encode(bytes(KEY.verify_key)).decode()
HOUR = timedelta(hours=1)


def text(instant: Any) -> str:
    return slots.format_instant(instant)


def signed(instant: Any, **more: Any) -> dict[str, Any]:
    return {"now": text(instant)} | more


# the time that holds ------------------------------------------------------------------------------------------------


def test_a_clock_set_back_does_not_bring_the_past_back() -> None:
    """L-02: by the uptime where a signed time was heard, by the latest time seen where none was."""
    clock, spool = HandClock(START), Spool(":memory:")
    evidence = Evidence(spool, clock)
    clock.move(3600)
    evidence.look()
    clock.jump(-86_400)
    assert evidence.now() == START + HOUR
    assert Evidence(spool, HandClock(START - timedelta(days=3), boot="another")).now() == START + HOUR
    evidence.heard(signed(START + HOUR))
    clock.move(3600)
    clock.jump(-86_400)
    assert evidence.now() == START + 2 * HOUR


def test_a_signed_time_corrects_a_clock_that_was_ahead() -> None:
    """An empty battery that says 2099 for an evening ends no licence once the services are heard again."""
    clock, spool = HandClock(START), Spool(":memory:")
    evidence = Evidence(spool, clock)
    clock.jump(86_400 * 365)
    evidence.look()
    clock.jump(-86_400 * 365)
    assert evidence.now() > START + timedelta(days=300)
    evidence.heard(signed(START + HOUR))
    assert evidence.now() == START + HOUR
    assert Evidence(spool, HandClock(START + 2 * HOUR, boot="another")).now() == START + 2 * HOUR


def test_an_old_signed_time_says_nothing() -> None:
    clock = HandClock(START)
    evidence = Evidence(Spool(":memory:"), clock)
    evidence.heard(signed(START + 5 * HOUR))
    for message in (signed(START), signed(START + 5 * HOUR), {"now": "x"}, {"now": 7}, {}, {"at": text(START)}):
        evidence.heard(message)
        assert evidence.now() == START + 5 * HOUR


@given(st.lists(st.tuples(st.sampled_from(["move", "jump", "look", "boot"]), st.integers(-5000, 5000)), max_size=30))
def test_it_never_goes_back_without_a_signed_time(steps: list[tuple[str, int]]) -> None:
    clock, spool, boots = HandClock(START), Spool(":memory:"), 0
    evidence, latest = Evidence(spool, clock), START - timedelta(days=99)
    for what, seconds in steps:
        if what == "move":
            clock.move(abs(seconds))
        elif what == "jump":
            clock.jump(seconds)
        elif what == "boot":
            evidence._write()
            boots += 1
            clock = HandClock(clock.now(), boot=f"boot-{boots}")
            evidence = Evidence(spool, clock)
        else:
            evidence.look()
            assert evidence.now() >= latest
            latest = evidence.now()
    spool.close()


# commands -----------------------------------------------------------------------------------------------------------


def test_a_command_is_carried_out_once_and_never_late() -> None:
    """L-04: also not after a new start of the agent."""
    spool = Spool(":memory:")
    evidence = Evidence(spool, HandClock(START))
    command = {"command": "start", "id": "a", "at": text(START)}
    assert evidence.admits(command)
    assert not evidence.admits(command)
    assert not Evidence(spool, HandClock(START, boot="another")).admits(command)
    assert evidence.admits(command | {"id": "b"})
    evidence.heard(signed(START + HOUR))
    assert not evidence.admits(command | {"id": "c"})
    assert evidence.admits(command | {"id": "d", "at": text(START + HOUR - timedelta(minutes=1))})
    for broken in ({"id": None}, {"id": "e", "at": None}, {"id": "f", "at": "soon"}, {"id": 7}):
        assert not evidence.admits(command | {"at": text(START + HOUR)} | broken)


# span and grace -----------------------------------------------------------------------------------------------------


def session(entitlement: Entitlement, clock: HandClock, evidence: Evidence, spool: Spool) -> Session:
    return Session(spool, identity(), clock, PlayedDesk(), entitlement, confirmed_at=START, trusted=evidence.now)


def test_a_licence_that_ends_stops_the_recording_also_offline_and_set_back() -> None:
    """L-04: with a message, and for good: setting the clock back brings nothing back."""
    spool, clock = Spool(":memory:"), HandClock(START)
    evidence = Evidence(spool, clock)
    entitlement = read_entitlement(message(expires=text(START + HOUR)))
    running = session(entitlement, clock, evidence, spool)
    running.start(None)
    for _ in range(60):
        clock.move(60)
        running.tick()
        evidence.look()
    assert running.running is None
    assert running.stopped_because == f"the licence ended {text(START + HOUR)}: ask to have it renewed"
    clock.jump(-7200)
    with pytest.raises(NotAllowed, match="the licence ended"):
        running.start(None)
    running.entitle(read_entitlement(message(expires=text(START + 100 * HOUR))), evidence.now())
    running.start(None)


def test_without_a_connection_it_goes_on_for_its_grace_and_says_until_when() -> None:
    """L-04: the last policy holds for its days, then it stops with a message."""
    entitlement = entitled(grace_days=3)
    assert entitlement.grace_until(START + 20 * HOUR, START) is None
    assert entitlement.grace_until(START + 30 * HOUR, START) == START + timedelta(days=3)
    assert entitlement.obstacle(START + 71 * HOUR, START, "1.0.0") is None
    assert "was not confirmed for 3 days" in str(entitlement.obstacle(START + 73 * HOUR, START, "1.0.0"))
    assert entitled(state="revoked").grace_until(START + 30 * HOUR, START) is None


def test_a_licence_that_has_not_begun_waits() -> None:
    entitlement = read_entitlement(message(not_before=text(START + HOUR)))
    assert entitlement.obstacle(START, START, "1.0.0") == f"the licence begins {text(START + HOUR)}"
    assert entitlement.obstacle(START + HOUR, START, "1.0.0") is None


def test_under_monitoring_the_policy_says_who_chooses() -> None:
    """T-02, T-06."""
    assert Policy().may_choose_monitors
    assert not read_entitlement(message(mode="monitoring")).policy.may_choose_monitors
    allowed = message(mode="monitoring", policy={"version": 1, "member_may": {"choose_monitors": True}})
    assert read_entitlement(allowed).policy.may_choose_monitors


# its document -------------------------------------------------------------------------------------------------------

ACTIVATION = Activation("https://d.example", "ws", "mem", "dev", ("nats://x",), "", PUBLIC)


def message(**more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"state": "active", "licence": "lic", "mode": "worklog", "policy": {"version": 1}}
    said |= {"contracts": [{"contract": "c", "title": "C", "labels": [], "memo_required": False}]}
    return said | {"not_before": None, "expires": None} | more


def sealed(key: SigningKey = KEY, device: str | None = "dev", **more: Any) -> dict[str, Any]:
    said = {name: value for name, value in message(**more).items() if name not in ("state", "contracts")}
    said |= {"workspace": "ws", "member": "mem", "computer": None, "device": device, "seats": 1}
    return message(**more) | {"document": licence.seal(key, said | {"issued_at": text(START)})}


def kept(found: dict[str, Any]) -> Entitlement:
    spool = Spool(":memory:")
    remember(spool, found, START)
    return remembered(spool, ACTIVATION)[0]


def test_what_somebody_wrote_into_the_spool_does_not_count() -> None:
    """L-02: span, mode and policy are those of the signed document."""
    sound = sealed(expires=text(START + HOUR), policy={"version": 1, "apps": False})
    assert kept(sound).state == "active"
    edited = kept(sound | {"expires": None, "policy": {"version": 1, "apps": True}, "mode": "monitoring"})
    assert (edited.expires, edited.policy.apps, edited.mode) == (START + HOUR, False, "worklog")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (sealed(STRANGER), "not signed by this installation"),
        (sealed(device="dev-2"), "given to another computer"),
        (message(), "not signed by this installation"),
        (message(document={"key": licence.key_id(bytes(KEY.verify_key)), "document": "{}"}), "altered"),
    ],
)
def test_a_document_that_does_not_hold_records_nothing(found: dict[str, Any], why: str) -> None:
    entitlement = kept(found)
    assert why in entitlement.state
    assert entitlement.obstacle(START, START, "1.0.0")


def file(**more: Any) -> str:
    said = message(**more) | {"workspace": "ws", "member": "mem", "computer": None, "device": None, "seats": 1}
    said = {name: value for name, value in said.items() if name not in ("state", "contracts")}
    return json.dumps(licence.seal(more.get("key", KEY), said | {"issued_at": text(START)}))


def test_a_file_is_looked_at_before_it_goes_anywhere(tmp_path: Path) -> None:
    """L-01, L-02: where the deployment names the public key; each way in which it does not hold is said."""
    home = Settings(home=tmp_path / "home", licence_public=PUBLIC)
    home.make_home()
    spool = Spool(home.spool)
    Evidence(spool, HandClock(START)).heard(signed(START))
    spool.close()
    bound = json.dumps(sealed()["document"])
    forged = json.dumps(sealed(STRANGER, None)["document"])
    over, early = file(expires="2026-11-01T00:00:00Z"), file(not_before="2099-01-01T00:00:00Z")
    for given_file, why in (
        *((bound, "another computer"), (forged, "not signed by this installation"), ("{", "no licence file")),
        *((file().replace('seats\\":1', 'seats\\":9'), "altered"), (over, "is over"), (early, "has not begun")),
    ):
        with pytest.raises(ActivationError, match=why):
            activate(home, "http://127.0.0.1:9", given_file)
    with pytest.raises(ActivationError, match="cannot be reached"):
        activate(home, "http://127.0.0.1:9", file())


@pytest.mark.parametrize(("state", "said"), [("active", "is monitored"), ("revoked", "cannot be reached")])
def test_a_monitored_computer_takes_no_other_licence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str, said: str
) -> None:
    """T-02: while its own holds; its member cannot shake the monitoring off by loading a licence of their own."""
    home = Settings(home=tmp_path / "home")
    home.make_home()
    home.keep(ACTIVATION)
    spool = Spool(home.spool)
    remember(spool, sealed(mode="monitoring") | {"state": state}, START)
    spool.close()
    assert main(["--home", str(home.home), "activate", "--server", "http://127.0.0.1:9", "--licence", "A-B"]) == 1
    assert said in capsys.readouterr().err


def test_an_activated_computer_knows_which_files_are_genuine(tmp_path: Path) -> None:
    """L-02: by the key that came with its activation."""
    home = Settings(home=tmp_path / "home")
    home.make_home()
    home.keep(ACTIVATION)
    with pytest.raises(ActivationError, match="not signed by this installation"):
        activate(home, "http://127.0.0.1:9", json.dumps(sealed(STRANGER, None)["document"]))
