"""Folding is a function of what was recorded, not of how it arrived (S-11, T-14, K-01 to K-03)."""

import random
from collections.abc import Sequence
from typing import Any

import bson
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.classes import starting_catalogue
from services.scoring.folds import fold, scored, slot_key, slots_of, tally_of
from services.scoring.rollups import day_key, roll_up, tally_between
from services.scoring.tracko import Rules
from services.wire.edits import Edit
from services.wire.events import SegmentRecorded, SegmentScored, read_fact
from services.wire.scores import Tally
from tests.scoring.records import removal, segment, some_segment

CATALOGUE = starting_catalogue()
DEFAULT = Rules()
WORK = [20, 2, 1, 30, "work", 0]
Document = dict[str, Any]


def fold_all(batches: Sequence[Sequence[SegmentRecorded | Edit]], rules: Rules = DEFAULT) -> Document:
    slot: Document | None = None
    for batch in batches:
        slot = fold(_key(batch[0]), slot, batch, rules, CATALOGUE)
    assert slot
    return slot


def _key(fact: SegmentRecorded | Edit) -> str:
    return slot_key(fact) if isinstance(fact, SegmentRecorded) else min(slots_of(fact))


def tally(fact: SegmentRecorded, rules: Rules = DEFAULT) -> Tally:
    return tally_of(fold_all([[fact]], rules))


@given(st.integers(0, 10**6), st.data())
def test_any_order_and_doubles_give_the_same_bytes(seed: int, data: st.DataObject) -> None:
    """S-11, T-14: three devices, two contracts, several records of one segment."""
    draw = random.Random(seed)
    facts = [
        some_segment(
            draw,
            "ws",
            device=f"device-{draw.randrange(3)}",
            contract=f"contract-{draw.randrange(2)}",
            kind=draw.choice(["desktop", "desktop", "mobile"]),
            started=f"2026-11-21T09:0{draw.randrange(3)}:00Z",
            seq=seq,
        )
        for seq in range(1, 7)
    ]
    kinds = {fact.device: fact.device_kind for fact in facts}
    facts = [fact.model_copy(update={"device_kind": kinds[fact.device]}) for fact in facts]
    mixed = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=6))))
    cut = data.draw(st.integers(1, len(mixed)))
    batches = [batch for batch in (mixed[:cut], mixed[cut:]) if batch]
    assert bson.encode(fold_all(batches)) == bson.encode(fold_all([facts]))


@given(st.integers(0, 10**6), st.data())
def test_a_day_is_the_same_in_any_order(seed: int, data: st.DataObject) -> None:
    """The rollup is summed anew, an older state of a slot changes nothing."""
    draw = random.Random(seed)
    states = []
    for minute in (0, 10, 20):
        slot: Document | None = None
        for seq in (1, 2):
            fact = some_segment(draw, "ws", slot=f"2026-11-21T10:{minute:02}:00Z", seq=seq)
            slot = fold(slot_key(fact), slot, [fact], Rules(), CATALOGUE)
            states.append(slot)
    key = day_key(states[0]["_id"])
    assert key == "ws|member-1|2026-11-21"
    expected = roll_up(key, None, states)
    day: Document | None = None
    for state in data.draw(st.permutations(states * 2)):
        before = day
        day = roll_up(key, day, [state])
        assert before is None or (day["revision"] > before["revision"]) == (day != before)
    assert day is not None
    assert bson.encode(day) == bson.encode(expected)
    whole = tally_between(day, "00:00", "24:00")
    parts = [tally_between(day, start, end) for start, end in (("00:00", "10:10"), ("10:10", "24:00"))]
    assert whole == Tally(*map(sum, zip(*(part for part in parts if part), strict=True)))


@given(st.integers(0, 10**6), st.integers(1, 9))
def test_a_segment_in_two_records_tallies_as_in_one(seed: int, cut: int) -> None:
    """S-11: Stop and Start within a slot change nothing but the number of records."""
    whole = some_segment(random.Random(seed), "ws")
    minutes, apps = whole.record["minutes"], whole.detail["apps"]
    first = segment("ws", minutes=[*minutes[:cut], *[None] * (10 - cut)], apps=apps, seq=1)
    second = segment("ws", minutes=[*[None] * cut, *minutes[cut:]], apps=[(*app[:3], 0) for app in apps], seq=2)
    assert tally_of(fold_all([[second], [first]])) == tally(whole)


def test_an_index_that_points_to_no_app_is_neutral() -> None:
    """A hostile record scores as one without an app, in one record or in two."""
    fact = segment("ws", minutes=[[5, 0, 0, 0, "work", 7]] * 10)
    assert tally(fact) == tally_of(fold_all([[fact, segment("ws", minutes=[None] * 10, apps=[], seq=2)]]))
    assert tally(fact).unproductive_active_minutes == 0


def test_a_minute_in_an_unproductive_app_is_told_apart() -> None:
    """K-02: by the minute's own app; without an app it is neutral."""
    minutes = [[5, 0, 0, 0, "work", 0]] * 3 + [[5, 0, 0, 0, "work", 1]] * 2 + [[5, 0, 0, 0, "work", None]] * 5
    apps = [("code", None, None, 300), ("firefox", "x", "youtube.com", 200), ("nautilus", None, None, 100)]
    assert tally(segment("ws", minutes=minutes, apps=apps)) == (10, 10, 2, 300, 200, 100)


def test_movement_makes_no_minute_active_unless_the_workspace_says_so() -> None:
    """T-03"""
    fact = segment("ws", minutes=[[0, 0, 0, 50, "work", 0]] * 10)
    assert tally(fact).active_minutes == 0
    assert tally(fact, Rules(movement_counts=True)).active_minutes == 10


def test_idle_and_locked_are_tracked_and_breaks_are_not() -> None:
    """A-01, fine-print.md, *Minutes*"""
    states = ["work", "idle", "locked", "break", "private"]
    minutes = [[9, 9, 9, 9, state, 0] for state in states] + [None] * 5
    assert tally(segment("ws", minutes=minutes)) == (3, 1, 0, 600, 0, 0)


def test_seconds_without_a_tracked_minute_do_not_count() -> None:
    assert tally(segment("ws", minutes=[[0, 0, 0, 0, "break", None]] * 10)) == (0, 0, 0, 0, 0, 0)


def test_of_two_devices_the_one_that_started_first_keeps_the_minute() -> None:
    """T-14: seconds in proportion of the counted minutes, rounded down."""
    first = segment("ws", device="a", minutes=[WORK] * 7 + [None] * 3, started="2026-11-21T09:00:00Z", seq=1)
    later = segment(
        "ws", device="b", minutes=[WORK] * 10, started="2026-11-21T09:30:00Z", apps=[("code", "x", None, 599)]
    )
    slot = fold_all([[later], [first]])
    assert slot["segments"]["contract-1|a"]["tally"] == [7, 7, 0, 600, 0, 0]
    assert slot["segments"]["contract-1|b"]["tally"] == [3, 3, 0, 599 * 3 // 10, 0, 0]
    assert tally_of(slot).tracked_minutes == 10


def test_desktop_goes_before_mobile() -> None:
    """T-14"""
    phone = segment("ws", device="a", kind="mobile", started="2026-11-21T08:00:00Z")
    desk = segment("ws", device="b", started="2026-11-21T10:00:00Z")
    slot = fold_all([[phone], [desk]])
    assert slot["segments"]["contract-1|a"]["tally"] == [0] * 6
    assert slot["segments"]["contract-1|b"]["tally"][0] == 10


def said(slot: dict[str, Any], rules: Rules) -> list[SegmentScored]:
    facts = []
    for body in scored(slot, rules):
        fact = read_fact("segment.scored.ws.member-1", body)
        assert isinstance(fact, SegmentScored)
        assert fact.model_dump_json().encode() == body
        facts.append(fact)
    return facts


def test_every_segment_of_a_slot_is_scored_with_its_own_highest_seq() -> None:
    slot = fold_all([[segment("ws", seq=4), segment("ws", seq=9), segment("ws", contract="other", seq=5)]])
    facts = {fact.contract: fact for fact in said(slot, Rules())}
    assert {name: fact.seq for name, fact in facts.items()} == {"contract-1": 9, "other": 5}
    assert facts["contract-1"].segment_id == "contract-1:device-1:2026-11-21T10:10:00Z"
    assert facts["contract-1"].classes_version == CATALOGUE.version
    assert (facts["contract-1"].activity, facts["contract-1"].tracko) == (1.0, 100.0)
    assert facts["other"].tally.tracked_minutes == 0
    assert facts["other"].tracko is None


def test_what_is_personal_is_not_kept() -> None:
    """G-03: of app, title and site the app and the site's domain; no memo."""
    kept = repr(fold_all([[segment("ws", apps=[("firefox", "a title", "https://a.example/secret", 5)])]]))
    assert "a.example" in kept
    for personal in ("a title", "secret", "https", "memo"):
        assert personal not in kept


def test_what_was_removed_leaves_the_score() -> None:
    """S-08, K-02: its minutes, and of its apps' seconds as many as go by the minutes; new work may follow."""
    first = segment("ws", minutes=[WORK] * 5 + [[0, 0, 0, 0, "idle", None]] * 5)
    assert tally_of(fold_all([[first], [removal(first, range(4))]])) == Tally(6, 1, 0, 360, 0, 0)
    gone = fold_all([[first], [removal(first, range(10))]])
    assert tally_of(gone) == Tally()
    assert [(one.seq, one.activity) for one in said(gone, DEFAULT)] == [(1, None)], "said, so that it goes everywhere"
    again = fold("ws|member-1|2026-11-21T10:10:00Z", gone, [segment("ws", seq=2)], DEFAULT, CATALOGUE)
    assert tally_of(again) == tally(segment("ws", seq=2))
    assert slots_of(removal(first, range(10), seq=0)) == set(), "manual time"


@given(st.integers(0, 10**6), st.data())
def test_removals_in_any_order(seed: int, data: st.DataObject) -> None:
    """S-11: before their records, twice, in several batches; and what they name of other slots is left alone."""
    draw = random.Random(seed)
    facts: list[SegmentRecorded | Edit] = [
        some_segment(draw, "ws", device=f"device-{draw.randrange(2)}", seq=seq) for seq in range(1, 6)
    ]
    for number in range(3):
        of = draw.choice([one for one in facts if isinstance(one, SegmentRecorded)])
        facts.append(removal(of, draw.sample(range(10), draw.randint(1, 10)), name=f"edt-{number}"))
    mixed = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=6))))
    cut = data.draw(st.integers(1, len(mixed)))
    batches = [batch for batch in (mixed[:cut], mixed[cut:]) if batch]
    assert bson.encode(fold_all(batches)) == bson.encode(fold_all([facts]))
