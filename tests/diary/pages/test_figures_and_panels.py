"""What stands around the hours of a day: its figures, the words for time, its panels, and who did what."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.diary.pages import formatting
from services.diary.pages.day_view import day_view
from services.diary.pages.figures import score_of
from services.diary.pages.minutes_view import edit_lines, minutes_view
from services.diary.pages.picture_view import looks_lines, set_of
from services.wire.events import Presence
from services.wire.slots import parse_slot
from tests.diary.pages import sample

OSLO = ZoneInfo("Europe/Oslo")


def test_no_score_is_a_dash_with_its_reason() -> None:
    """K-03."""
    none = {"activity": None, "productivity": None, "tracko": None}
    assert (score_of(none, 0).value, score_of(none, 0).reason) == ("–", "Nothing tracked")
    assert score_of(none, 30).reason == "Not worked out yet"
    alone = score_of({"activity": 0.5, "productivity": None, "tracko": 50.0}, 60)
    assert (alone.value, alone.arc_b, alone.lines[0]) == ("50", 0, "Activity 50 %: 50.0 of 100")
    zero = score_of({"activity": 0.0, "productivity": 0.0, "tracko": 0.0}, 60)
    assert (zero.value, zero.reason) == ("0", None), "a zero is a zero"


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_ring_is_the_formula(activity: float, productivity: float) -> None:
    """K-03: 60 and 40 of the ring's 100."""
    score = score_of({"activity": activity, "productivity": productivity, "tracko": 1.0}, 10)
    assert 0 <= score.arc_a <= 59.4
    assert 0 <= score.arc_b <= 39.4


@given(st.integers(0, 100_000))
def test_durations_read_back(minutes: int) -> None:
    text = formatting.duration(minutes)
    hours_, _, rest = text.partition(" h ")
    assert (int(hours_) * 60 + int(rest) if rest else int(text.removesuffix(" min"))) == minutes
    left, right = formatting.hours_and_minutes(minutes).split(":")
    assert int(left) * 60 + int(right) == minutes


def test_texts_of_time() -> None:
    assert [formatting.duration(n) for n in (0, 40, 60, 390)] == ["0 min", "40 min", "1 h 00", "6 h 30"]
    assert (formatting.limit(1800), formatting.limit(2250)) == ("30 h", "37 h 30")
    assert [formatting.ago(n) for n in (5, 180, 7500, 5 * 86400)] == [
        "just now",
        "3 min ago",
        "2 h 05 ago",
        "5 days ago",
    ]


def test_not_protected_says_every_reason_with_its_times() -> None:
    """S-09: the diary shows which are not and why; break and manual time are no exceptions to be explained."""
    lines = day_view(sample.friday(), OSLO, sample.around()).panels[0].lines
    assert {(line.strong, line.text) for line in lines} == {
        ("11:50", "had no activity in ten minutes."),
        ("14:20 and 14:30", "have neither memo nor label."),
        ("15:40", "is waiting for its picture."),
    }


def test_a_gap_is_counted_and_named() -> None:
    """B-02: 0 gaps is a statement."""
    device = {
        "device": sample.DEVICE, "records": 9, "through": 12, "missing": [[3, 4], [8, 8]], "broken": [9],
        "quarantined": [[5, "clock_ahead"]], "last_received_at": None,
    }  # fmt: skip
    panel = day_view(sample.friday(), OSLO, sample.around(sync=[device])).panels[1]
    assert panel.title == "Arrived: 9 of 12 records, 2 gaps"
    assert panel.lines[0].quiet == (
        "Records 1 to 12, missing 3 to 4 and 8, 1 record held back, chain broken at 9 (5: from a clock that is ahead)"
    )
    assert day_view(sample.friday(), OSLO, sample.around(sync=None)).panels[1].title == "Arrived: not known just now"


def test_what_is_held_back_or_waits_is_no_whole_proof() -> None:
    """B-02: a record that is held back is not among those that arrived; what waits only the computer can say."""
    device = {
        "device": sample.DEVICE, "records": 11, "through": 12, "missing": [], "broken": [],
        "quarantined": [[5, "revoked"]], "last_received_at": None,
    }  # fmt: skip
    said = {"status": "stopped", "app": None, "since": "2026-11-20T14:31:00Z", "agent": "1"}
    found = []
    for unsent in (0, 2, None):
        says = None if unsent is None else Presence(**said, unsent=unsent, oldest_unsent=None)
        doing = {} if says is None else {sample.DEVICE: says}
        [line, _] = day_view(sample.friday(), OSLO, sample.around(sync=[device], doing=doing)).panels[1].lines
        found.append((line.icon, line.quiet.removeprefix("Records 1 to 12, none missing, 1 record held back")))
    assert found == [
        ("warn", " (5: made after the revocation), nothing waits on it"),
        ("warn", " (5: made after the revocation), 2 records not sent yet"),
        ("warn", " (5: made after the revocation); what still waits on it is not known: no contact just now"),
    ]
    assert day_view(sample.friday(), OSLO, sample.around(sync=[device])).panels[1].title == (
        "Arrived: 11 of 12 records, 0 gaps"
    )


def test_minutes_are_on_the_readers_clock() -> None:
    friday = sample.friday()["segments"]
    noon = next(one for one in friday if one["slot"] == "2026-11-20T11:00:00Z")
    view = minutes_view(noon, OSLO)
    assert (view.span, len(view.rows)) == ("12:00 to 12:10", 10)
    assert (view.rows[0].clock, view.rows[0].counts) == ("12:00", [41, 2, 0, 30])
    assert (view.rows[9].state, view.rows[9].counts) == ("break", [])


def test_minutes_without_counts_that_follow_one_another_are_one_row() -> None:
    """V-01: a segment of two minutes is not eight lines of nothing; minutes with counts each have their own."""
    part = sample.segment(datetime(2026, 11, 20, 8, tzinfo=UTC)) | {
        "minutes": [None] * 7 + [sample.minute()] * 2 + [None]
    }
    shown = minutes_view(part, OSLO).shown
    assert [(row.clock, bool(row.counts)) for row in shown] == [
        ("09:00 to 09:06", False),
        ("09:07", True),
        ("09:08", True),
        ("09:09", False),
    ]


def test_work_until_midnight_ends_at_24() -> None:
    """A-02: a day from midnight to midnight is not one of no length."""
    ends = [datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 20, 22, 50, tzinfo=UTC)]
    view = day_view(sample.answer([sample.segment(at) for at in ends]), OSLO, sample.around())
    assert view.figures[-1].value == "00:00 to 24:00"


def test_who_edited_a_segment_is_said_by_name_or_role() -> None:
    """G-02."""
    edit = {"kind": "note", "changed": ["label", "memo"], "actor_role": "manager", "at": "2026-11-20T10:02:00Z"}
    lines = edit_lines([edit | {"actor_name": "Leyla Aydin"}, edit | {"actor_name": ""}], OSLO)
    assert lines[0] == ("Memo and label changed", "Leyla Aydin", "20 Nov 2026 11:02")
    assert lines[1].name == "manager"


def test_looks_at_a_picture_are_a_line_a_person() -> None:
    """B-03: the last look of each size, and in how many other minutes there was one."""
    looks = [
        {"actor_name": name, "actor_role": "manager", "at": f"2026-11-20T10:{at}Z", "detail": size}
        for name, at, size in (
            ("Leyla", "09:00", "thumbnail"),
            ("Ada", "08:30", "thumbnail"),
            ("Leyla", "07:00", "picture"),
            ("Leyla", "06:00", "thumbnail"),
            ("Leyla", "06:30", "thumbnail"),
            ("Leyla", "05:00", "thumbnail"),
        )
    ]
    assert [(line.strong, line.quiet) for line in looks_lines(looks, OSLO).lines] == [
        ("Leyla", "In full: 20 Nov 11:07; in the list: 20 Nov 11:09 and 2 times before"),
        ("Ada", "In the list: 20 Nov 11:08"),
    ]


def test_a_set_is_a_sessions_pictures_in_order() -> None:
    """M-01: a set runs from start to stop."""
    day = sample.friday()
    taken = [one for segment in day["segments"] if segment["session"] == "s2" for one in segment["captures"]]
    shots = set_of(day, taken[5]["capture_id"])
    assert shots
    assert [capture["at"] for _, capture in shots] == sorted(one["at"] for one in taken)
    assert set_of(day, "unknown") is None
    assert parse_slot(shots[0][0]["slot"]).hour == 11
