"""A session through sleep, wrong clocks, kills, weeks offline and a full disk: nothing lost, doubled or invented."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.sampler import Counts
from agent.spool import Spool, SpoolError
from tests.agent.doubles import START
from tests.agent.life import Life, entitled


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
