"""Days lived through in milliseconds: a clock that is moved, a desk that is played, the real session and spool."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.sampler import Counts
from agent.session import NotAllowed
from agent.slot import App
from agent.spool import Spool, SpoolError
from services.wire import slots
from services.wire.segments import count_minutes, is_active
from tests.agent.doubles import START
from tests.agent.life import Life, PlayedDesk, entitled

TYPING = Counts(2, 1, 0, 1)
SLOT = slots.SLOT
MINUTE = timedelta(minutes=1)


def test_an_hour_of_work_is_six_records_of_ten_minutes() -> None:
    life = Life(desk=PlayedDesk(window=App("code", "main.py")))
    life.session.start("contract", "writing", "Dev")
    life.live(3600, TYPING)
    life.session.stop()
    records = life.records()
    assert [record.slot for record, _ in records] == [slots.format_instant(START + n * SLOT) for n in range(6)]
    for record, detail in records:
        assert [minute and list(minute) for minute in record.minutes] == [[120, 60, 0, 60, "work", 0]] * 10
        assert [list(app) for app in detail.apps] == [["code", "main.py", None, 600]]
        assert (detail.memo, detail.label) == ("writing", "Dev")
        assert record.uptime_ms[1] - record.uptime_ms[0] == 600_000
    assert len({record.session for record, _ in records}) == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 599), st.integers(1, 1500), st.integers(300, 7000))
def test_a_minute_that_ran_in_part_counts_as_its_minute(offset: int, seconds: int, step_ms: int) -> None:
    """Start and stop anywhere: the minutes touched are recorded, each once, and all input is in them."""
    life = Life(start=START + timedelta(seconds=offset))
    life.session.start(None)
    steps = life.live(seconds, Counts(1), every=step_ms / 1000)
    end = life.clock.now()
    life.session.stop()
    minutes = [m for merged in life.segments().values() for m in merged.minutes if m]
    touched = -(-(end - START) // MINUTE) - (life.start - START) // MINUTE
    assert len(minutes) == touched
    assert sum(minute[0] for minute in minutes) == steps


def test_start_again_in_the_same_slot_carries_the_further_minutes_only() -> None:
    """S-11: two records, one segment, no minute twice."""
    life = Life()
    life.session.start(None, "first")
    life.live(150, Counts(1))
    life.session.stop()
    life.live(30)
    life.session.start(None, "second")
    life.live(120, Counts(3))
    life.session.stop()
    (first, _), (second, _) = life.records()
    assert first.segment_id == second.segment_id
    assert [index for index, minute in enumerate(first.minutes) if minute] == [0, 1, 2]
    assert [index for index, minute in enumerate(second.minutes) if minute] == [3, 4]
    assert life.states() == ["work"] * 5 + [None] * 5


def test_start_and_stop_within_a_minute_that_went_already_adds_no_record() -> None:
    life = Life()
    for _ in range(3):
        life.session.start(None)
        life.live(5, Counts(1))
        life.session.stop()
    assert len(life.records()) == 1


def test_another_contract_closes_the_span_and_opens_one_in_the_same_session() -> None:
    """T-01."""
    life = Life(entitlement=entitled(contracts=("one", "two")))
    life.session.start("one")
    life.live(180, Counts(1))
    life.session.start("two", "other work")
    life.live(120, Counts(1))
    life.session.stop()
    (first, _), (second, detail) = life.records()
    assert (first.contract, second.contract, detail.memo) == ("one", "two", "other work")
    assert first.session == second.session
    assert life.states(contract="one") == ["work"] * 3 + [None] * 7
    assert life.states(contract="two") == [None] * 3 + ["work"] * 2 + [None] * 5


def test_starting_the_contract_that_runs_only_changes_the_memo() -> None:
    """T-20."""
    life = Life()
    life.session.start(None, "first", "Dev")
    life.live(60)
    life.session.start("contract", "better")
    life.live(60)
    life.session.stop()
    ((_, detail),) = life.records()
    assert (detail.memo, detail.label) == ("better", "Dev")


def test_nothing_is_recorded_outside_start_and_stop() -> None:
    """T-01: what was typed before Start is not counted either."""
    life = Life()
    life.live(100, TYPING)
    life.session.start(None)
    life.live(60, Counts(1))
    life.session.stop()
    life.live(100, TYPING)
    ((record, _),) = life.records()
    assert sum(minute[0] for minute in record.minutes if minute) == 60


def test_break_and_private_are_office_time_of_which_nothing_is_known() -> None:
    """T-18, A-01."""
    life = Life(desk=PlayedDesk(window=App("bank", "account")))
    life.session.start(None)
    life.session.switch("private")
    life.live(120, TYPING)
    assert life.session.presence()["app"] is None
    life.session.switch("break")
    life.live(120, TYPING)
    life.session.switch("work")
    life.live(60, TYPING)
    life.session.stop()
    ((record, detail),) = life.records()
    assert [m and list(m) for m in record.minutes[:4]] == [[0, 0, 0, 0, "private", None]] * 2 + [
        [0, 0, 0, 0, "break", None]
    ] * 2
    assert [list(app) for app in detail.apps] == [["bank", "account", None, 60]]
    counted = count_minutes(record.minutes, [True] * 10)
    assert (counted["office_minutes"], counted["work_minutes"], counted["active_minutes"]) == (5, 1, 1)


def test_after_five_minutes_without_input_minutes_are_idle() -> None:
    """T-11: the five before stay work, without activity; nothing is deducted."""
    life = Life()
    life.session.start(None)
    life.live(60, TYPING)
    life.live(480)
    assert life.session.presence()["status"] == "idle"
    life.live(60, TYPING)
    assert life.session.presence()["status"] == "working"
    life.session.stop()
    assert life.states() == ["work"] * 5 + ["idle"] * 4 + ["work"]
    merged = next(iter(life.segments().values()))
    assert [is_active(minute) for minute in merged.minutes] == [True] + [False] * 8 + [True]


def test_the_computers_own_word_on_idleness_goes_first() -> None:
    """A gamepad or a touch screen is input that is not counted."""
    life = Life(desk=PlayedDesk(idle=0), entitlement=entitled(idle_minutes=1))
    life.session.start(None)
    life.live(300)
    life.desk.idle = 60_000
    life.live(300)
    life.session.stop()
    assert life.states() == ["work"] * 5 + ["idle"] * 5


def test_a_locked_screen_is_named_as_the_reason() -> None:
    """T-11; keys typed into the lock are nobody's business."""
    life = Life(desk=PlayedDesk(window=App("code")))
    life.session.start(None)
    life.live(60, TYPING)
    life.desk.screen_locked = True
    life.live(120, TYPING)
    assert life.session.presence() == {"status": "locked", "app": None, "since": "2026-11-21T10:01:01Z"}
    life.desk.screen_locked = False
    life.live(60, TYPING)
    life.session.stop()
    assert life.states() == ["work", "locked", "locked", "work"] + [None] * 6


def test_sleep_is_not_work() -> None:
    """The slot ends where the computer fell asleep; what it slept through is not recorded."""
    life = Life()
    life.session.start(None)
    life.live(150, Counts(1))
    life.clock.suspend(8 * 3600)
    life.session.tick()
    life.live(90, Counts(1))
    life.session.stop()
    first, second = life.records()
    assert [minute is not None for minute in first[0].minutes] == [True] * 3 + [False] * 7
    assert second[0].slot == "2026-11-21T18:00:00Z"
    assert [index for index, minute in enumerate(second[0].minutes) if minute] == [2, 3]
    assert life.session.cuts == ["2026-11-21T18:02:30Z asleep"]


@pytest.mark.parametrize("jump", [-3600, -30, 30, 3600, 86400])
def test_a_clock_that_is_set_closes_the_segment(jump: float) -> None:
    """The minutes before are as they were; none is recorded twice, whichever way the clock went."""
    life = Life(start=START + timedelta(minutes=5))
    life.session.start(None)
    life.live(120, Counts(1))
    life.clock.jump(jump)
    life.live(120, Counts(1))
    life.session.stop()
    assert len(life.session.cuts) == 1
    assert "clock set" in life.session.cuts[0]
    segments = life.segments()
    assert sum(minute[0] for merged in segments.values() for minute in merged.minutes if minute) >= 180
    carried = [(r.segment_id, i) for r, _ in life.records() for i, minute in enumerate(r.minutes) if minute]
    assert len(carried) == len(set(carried))


def test_minutes_that_nobody_watched_are_not_recorded() -> None:
    """A process that was stopped for ten minutes does not know what happened."""
    life = Life()
    life.session.start(None)
    life.live(60, Counts(1))
    life.clock.move(300)
    life.session.tick()
    life.live(60, Counts(1))
    life.session.stop()
    assert life.states() == ["work"] + [None] * 5 + ["work"] + [None] * 3


def test_a_small_step_of_the_clock_changes_nothing() -> None:
    """A time server moves the clock by a second now and then."""
    life = Life()
    life.session.start(None)
    for step in (0.9, -0.9, 1.5, -1.5) * 20:
        life.clock.jump(step)
        life.live(7.3, Counts(1))
    life.session.stop()
    assert life.session.cuts == []
    assert all(set(minutes) <= {"work", None} for minutes in [life.states(START)])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_a_kill_at_any_moment_costs_at_most_the_running_minute(lives: list[int]) -> None:
    """T-10: each number is the seconds a process lives until it is killed and started again at once."""
    life = Life()
    for seconds in lives:
        life.again().start(None)
        life.live(seconds, Counts(1))
    life.again()
    minutes = [m for merged in life.segments().values() for m in merged.minutes if m] if life.spool.unsent() else []
    lived = sum(seconds // 60 for seconds in lives)
    assert len(minutes) >= lived - len(lives)
    lost = sum(lives) - sum(minute[0] for minute in minutes)
    assert lost <= 60 * len(lives)


def test_after_a_kill_a_worklog_waits_for_start() -> None:
    """T-01: nothing is recorded that nobody started."""
    life = Life()
    life.session.start(None, "a memo")
    life.live(200, Counts(1))
    life.again()
    life.live(200, Counts(1))
    ((record, detail),) = life.records()
    assert [minute is not None for minute in record.minutes] == [True] * 3 + [False] * 7
    assert detail.memo == "a memo"


def test_offline_for_thirty_days_loses_and_doubles_nothing() -> None:
    """T-10: thirty working days of eight hours, in one spool."""
    life = Life()
    for day in range(30):
        life.clock.move((START + timedelta(days=day) - life.clock.now()).total_seconds())
        life.session.start(None)
        life.live(8 * 3600, Counts(30), every=30)
        life.session.stop()
    records = life.records()
    assert len(records) == 30 * 48
    assert sum(minute is not None for record, _ in records for minute in record.minutes) == 30 * 480


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


def test_a_discarded_segment_is_gone_for_good() -> None:
    """T-07, S-08: its time goes with it; new minutes may follow."""
    life = Life()
    life.session.start(None)
    life.live(180, Counts(1))
    life.session.discard()
    life.live(120, Counts(1))
    life.session.stop()
    assert life.states() == [None] * 3 + ["work"] * 2 + [None] * 5


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


class FullDisk(Spool):
    """A disk that can be full: SQLite's own limit on pages, so the error is the real one."""

    def fill(self) -> None:
        self._rows("PRAGMA max_page_count = 1")

    def clear(self) -> None:
        self._rows("PRAGMA max_page_count = 1000000")


def test_a_full_disk_costs_nothing_once_there_is_room_again() -> None:
    """The open slot and the closed ones wait in memory, and are written in order."""
    spool = FullDisk(":memory:")
    life = Life(spool=spool)
    life.session.start(None, "x" * 2000)
    life.live(300, Counts(1))
    spool.fill()
    life.live(3600, Counts(10), every=10)
    assert life.session.book.problem == "database or disk is full"
    with pytest.raises(SpoolError):
        spool.write_note("x", "y" * 100_000)
    spool.clear()
    life.live(300, Counts(1))
    assert life.session.book.problem is None
    life.session.stop()
    records = life.records()
    assert len(records) == 7
    assert sum(minute[0] for record, _ in records for minute in record.minutes if minute) == 4200


def test_presence_says_since_when() -> None:
    life = Life(desk=PlayedDesk(window=App("code", "secret.txt")))
    said = []
    life.session._changed = lambda: said.append(life.session.presence()["status"])
    assert life.session.presence()["status"] == "stopped"
    life.live(60)
    life.session.start(None)
    assert life.session.presence() == {"status": "working", "app": "code", "since": "2026-11-21T10:01:00Z"}
    life.live(30, Counts(1))
    life.session.switch("break")
    assert life.session.presence() == {"status": "break", "app": None, "since": "2026-11-21T10:01:30Z"}
    life.session.stop()
    assert said == ["working", "break", "stopped"]


class AnyDay(RuleBasedStateMachine):
    """Whatever a member, a policy, a clock and a crash do in any order: no minute twice, no input invented."""

    @initialize(offset=st.integers(0, 86_400))
    def begin(self, offset: int) -> None:
        self.life = Life(start=START + timedelta(seconds=offset), entitlement=entitled(contracts=("one", "two")))
        self.typed = 0

    @rule(contract=st.sampled_from(["one", "two"]))
    def start(self, contract: str) -> None:
        self.life.session.start(contract)

    @rule()
    def stop(self) -> None:
        self.life.session.stop()

    @rule(seconds=st.integers(1, 700), every=st.sampled_from([1, 7, 30]))
    def work(self, seconds: int, every: int) -> None:
        self.life.live(seconds, Counts(1), every=every)
        self.typed += -(-seconds // every)

    @rule(state=st.sampled_from(["work", "break", "private"]))
    def switch(self, state: str) -> None:
        if self.life.session.running:
            self.life.session.switch(state)

    @rule(version=st.integers(1, 3))
    def change_policy(self, version: int) -> None:
        self.life.session.entitle(entitled(contracts=("one", "two"), version=version), self.life.clock.now())

    @rule(seconds=st.integers(-5000, 5000))
    def set_clock(self, seconds: int) -> None:
        self.life.clock.jump(seconds)

    @rule(seconds=st.integers(1, 5000))
    def sleep(self, seconds: int) -> None:
        self.life.clock.suspend(seconds)

    @rule()
    def kill(self) -> None:
        self.life.again()

    @invariant()
    def nothing_is_doubled_or_invented(self) -> None:
        if not hasattr(self, "life"):
            return
        records = self.life.records()
        carried = [(r.segment_id, i) for r, _ in records for i, minute in enumerate(r.minutes) if minute]
        assert len(carried) == len(set(carried))
        assert sum(minute[0] for r, _ in records for minute in r.minutes if minute) <= self.typed
        for record, detail in records:
            assert record.uptime_ms[0] <= record.uptime_ms[1]
            assert sum(app[3] for app in detail.apps) <= 601


AnyDay.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyDay = AnyDay.TestCase
