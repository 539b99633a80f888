"""Days lived through in milliseconds: a clock that is moved, a desk that is played, the real session and spool."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.sampler import Counts
from agent.slot import App
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


def test_a_discarded_segment_is_gone_for_good() -> None:
    """T-07, S-08: its time goes with it; new minutes may follow."""
    life = Life()
    life.session.start(None)
    life.live(180, Counts(1))
    life.session.discard()
    life.live(120, Counts(1))
    life.session.stop()
    assert life.states() == [None] * 3 + ["work"] * 2 + [None] * 5


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
