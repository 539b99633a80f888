"""What a session may record and take, by its policy, licence and contracts, and when it has to stop."""

from datetime import timedelta
from itertools import pairwise

import pytest

from agent.sampler import Counts
from agent.session import NotAllowed
from agent.slot import App
from services.wire import slots
from services.wire.slots import SLOT
from tests.agent.doubles import START
from tests.agent.life import Life, PlayedDesk, entitled


def test_titles_and_applications_are_switched_by_policy() -> None:
    """T-04, B-05: off until the policy turns them on."""
    seen = {}
    for apps, titles in ((False, False), (False, True), (True, False), (True, True)):
        life = Life(entitlement=entitled(apps=apps, titles=titles), desk=PlayedDesk(window=App("code", "secret.txt")))
        life.session.start(None)
        life.live(60, Counts(1))
        life.session.stop()
        ((_, detail),) = life.records()
        seen[apps, titles] = [list(app) for app in detail.apps]
    assert seen == {
        (False, False): [],
        (False, True): [],
        (True, False): [["code", None, None, 60]],
        (True, True): [["code", "secret.txt", None, 60]],
    }


def test_a_changed_policy_holds_from_now_on_and_names_its_version() -> None:
    """L-04, T-05."""
    life = Life(desk=PlayedDesk(window=App("code", "secret.txt")))
    life.session.start(None)
    life.live(120, Counts(1))
    life.session.entitle(entitled(version=2, titles=False), life.clock.now())
    life.live(120, Counts(1))
    life.session.stop()
    (one, one_detail), (two, two_detail) = life.records()
    assert (one.policy, two.policy) == (1, 2)
    assert list(one_detail.apps[0])[1] == "secret.txt"
    assert list(two_detail.apps[0])[1] is None
    assert life.states() == ["work"] * 4 + [None] * 6


@pytest.mark.parametrize("state", ["revoked", "suspended", "expired"])
def test_a_licence_that_ends_stops_the_recording_at_once(state: str) -> None:
    """L-04, L-05: what was recorded before stays."""
    life = Life()
    life.session.start(None)
    life.live(90, Counts(1))
    life.session.entitle(entitled(state), life.clock.now())
    assert life.session.running is None
    assert life.session.stopped_because == f"the licence is {state}"
    with pytest.raises(NotAllowed, match=state):
        life.session.start(None)
    assert life.states() == ["work", "work"] + [None] * 8


def test_an_offline_agent_goes_on_for_the_grace_period() -> None:
    """L-04."""
    life = Life(entitlement=entitled(grace_days=2))
    life.session.confirmed_at = START
    life.session.start(None)
    life.live(47 * 3600, every=30)
    assert life.session.running
    life.live(2 * 3600, every=30)
    assert life.session.running is None
    assert "connect this computer" in (life.session.stopped_because or "")


def test_a_contract_that_ends_ends_the_recording() -> None:
    life = Life(entitlement=entitled(contracts=("one", "two")))
    life.session.start("one")
    life.live(60, Counts(1))
    life.session.entitle(entitled(contracts=("two",)), life.clock.now())
    assert life.session.running is None
    assert life.session.stopped_because == "the contract does not run any more"
    assert life.states(contract="one") == ["work"] + [None] * 9


def test_an_agent_that_is_too_old_does_not_start() -> None:
    """T-15."""
    life = Life(entitlement=entitled(minimum_agent="99.0.0"))
    with pytest.raises(NotAllowed, match=r"99\.0\.0"):
        life.session.start(None)


def test_a_contract_is_chosen_from_those_that_run() -> None:
    life = Life(entitlement=entitled(contracts=("one", "two")))
    for wrong in (None, "three"):
        with pytest.raises(NotAllowed, match="one, two"):
            life.session.start(wrong)
    life.entitlement = entitled(contracts=())
    with pytest.raises(NotAllowed, match="no contract"):
        life.again().start(None)


def test_under_monitoring_breaks_and_discarding_are_the_policys() -> None:
    """T-02."""
    life = Life(entitlement=entitled(mode="monitoring"))
    life.session.start(None)
    for forbidden in (
        lambda: life.session.switch("break"),
        life.session.discard,
        lambda: life.session.annotate("memo", None),
    ):
        with pytest.raises(NotAllowed, match="policy"):
            forbidden()
    life.session.entitle(entitled(mode="monitoring", member_may={"pause": True, "remind": True}), life.clock.now())
    life.session.annotate("memo", None)
    assert life.session.book.slot is not None
    assert life.session.book.slot.memo == "memo"
    life.session.switch("break")


def test_captures_come_one_in_each_part_and_never_in_private() -> None:
    """T-05, T-18, and never more than the policy says, Stop and Start or not."""
    life = Life(entitlement=entitled(screenshots={"enabled": True, "per_segment": 5}))
    taken = []

    def live(seconds: int) -> None:
        for _ in range(seconds):
            life.live(1)
            if due := life.session.capture_due():
                now = life.clock.now()
                entry = {"capture_id": f"cap-{now.timestamp():.0f}", "at": slots.format_instant(now)}
                taken.append(now)
                life.spool.hold_picture(due[0], entry, due[1], b"", b"")

    life.session.start(None)
    live(3600)
    assert len(taken) == 30
    assert all(second - first <= timedelta(minutes=4) for first, second in pairwise(taken))
    taken.clear()
    life.session.switch("private")
    live(1200)
    life.desk.screen_locked = True
    life.session.switch("work")
    live(1200)
    assert taken == []
    life.desk.screen_locked = False
    live((slots.slot_of(life.clock.now()) + SLOT - life.clock.now()).seconds)
    taken.clear()
    for _ in range(59):
        live(10)
        life.session.stop()
        life.session.start(None)
    assert len(taken) == 5


def test_captures_are_off_until_the_policy_says_so() -> None:
    """B-05."""
    life = Life()
    life.session.start(None)
    for _ in range(1200):
        life.live(1)
        assert life.session.capture_due() is None
