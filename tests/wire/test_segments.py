"""Records become the same segment in any order, and a minute counts once (S-11, T-14)."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import segments
from services.wire.segments import Claim, Part, count_minutes, counted, merge

NAMES = st.sampled_from([["code", "a.py", None], ["code", "b.py", None], ["firefox", None, "example.org"]])
MINUTE = st.tuples(*[st.integers(0, 3)] * 4, st.sampled_from(segments.STATES), st.none() | st.integers(0, 4)).map(list)
MINUTES = st.lists(st.none() | MINUTE, min_size=10, max_size=10)
CAPTURE = st.fixed_dictionaries(
    {
        "capture_id": st.sampled_from("abc"),
        "at": st.sampled_from(["2026-11-21T10:10:01Z", "2026-11-21T10:12:00Z"]),
        "app": st.none() | st.integers(0, 4),
    }
)


@st.composite
def a_part(draw: st.DrawFn, seq: int) -> Part:
    apps = [[*draw(NAMES), draw(st.integers(0, 600))] for _ in range(draw(st.integers(0, 4)))]
    word = st.none() | st.sampled_from(["one", "two"])
    captures = draw(st.lists(CAPTURE, max_size=3, unique_by=lambda one: one["capture_id"]))
    return Part(seq, draw(MINUTES), draw(word), draw(word), apps, captures, f"s{seq}", "2026-11-21T09:00:00Z")


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    seqs = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True))
    return [draw(a_part(seq)) for seq in seqs]


def as_bytes(merged: segments.Merged) -> bytes:
    return json.dumps(merged).encode()


@given(parts(), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_same_bytes(own: list[Part], chance: random.Random) -> None:
    shuffled = own + chance.choices(own, k=3)
    chance.shuffle(shuffled)
    assert as_bytes(merge(shuffled)) == as_bytes(merge(own))


@given(parts())
def test_each_minute_is_that_of_the_lowest_seq_that_has_one(own: list[Part]) -> None:
    merged = merge(own)
    for index, minute in enumerate(merged.minutes):
        having = [part for part in sorted(own) if part.minutes[index] is not None]
        if not having:
            assert minute is None
            continue
        first = having[0].minutes[index]
        assert minute is not None
        assert first is not None
        assert minute[:5] == list(first[:5])
        named = having[0].apps[first[5]][:3] if first[5] is not None and first[5] < len(having[0].apps) else None
        assert (merged.apps[minute[5]][:3] if minute[5] is not None else None) == named


@given(parts())
def test_seconds_add_up_and_every_application_stands_once(own: list[Part]) -> None:
    merged = merge(own)
    assert sum(app[3] for app in merged.apps) == sum(app[3] for part in own for app in part.apps)
    assert len({tuple(app[:3]) for app in merged.apps}) == len(merged.apps)


@given(parts())
def test_the_last_word_counts_and_a_null_replaces_none(own: list[Part]) -> None:
    memos = [part.memo for part in sorted(own, key=lambda one: one.seq) if part.memo is not None]
    labels = [part.label for part in sorted(own, key=lambda one: one.seq) if part.label is not None]
    merged = merge(own)
    assert (merged.memo, merged.label) == (memos[-1] if memos else None, labels[-1] if labels else None)
    assert merged.seq == max(part.seq for part in own)
    assert {one["capture_id"] for one in merged.captures} == {
        one["capture_id"] for part in own for one in part.captures
    }


@given(MINUTES, st.lists(st.integers(0, 2), min_size=10, max_size=10))
def test_how_a_slot_was_split_into_records_does_not_matter(minutes: list[Any], owner: list[int]) -> None:
    """Start and Stop again within a slot: the records' minutes together are those of one record of it all."""
    apps = [["code", "a.py", None, 300], ["firefox", None, "example.org", 60]]
    minutes = [minute and [*minute[:5], None if minute[5] is None else minute[5] % 2] for minute in minutes]

    def part(seq: int, own: list[Any], seconds: list[int]) -> Part:
        rows = [[*app[:3], number] for app, number in zip(apps, seconds, strict=True)]
        return Part(seq, own, "memo", None, rows, [], "s", "2026-11-21T09:00:00Z")

    whole = merge([part(3, minutes, [300, 60])])
    pieces = [
        part(piece + 1, [minute if owner[index] == piece else None for index, minute in enumerate(minutes)], [100, 20])
        for piece in range(3)
    ]
    assert as_bytes(merge(pieces)) == as_bytes(whole)


# who a minute counts for --------------------------------------------------------------------------------------------


@st.composite
def claims(draw: st.DrawFn) -> list[Claim]:
    devices = draw(st.lists(st.sampled_from(["d1", "d2", "d3"]), min_size=1, max_size=4))
    return [
        Claim(
            f"c{number}:{device}:slot",
            device,
            draw(st.sampled_from(["desktop", "mobile"])),
            draw(st.sampled_from(["2026-11-21T09:00:00Z", "2026-11-21T09:30:00Z"])),
            draw(MINUTES),
        )
        for number, device in enumerate(devices)
    ]


@given(claims(), st.randoms(use_true_random=False))
def test_a_minute_counts_once_and_no_tracked_one_is_lost(own: list[Claim], chance: random.Random) -> None:
    result = counted(own)
    for index in range(10):
        takers = [claim.segment_id for claim in own if result[claim.segment_id][index]]
        assert len(takers) == any(claim.minutes[index] is not None for claim in own)
        for claim in own:
            assert not (result[claim.segment_id][index] and claim.minutes[index] is None)
    shuffled = chance.sample(own, len(own))
    assert counted(shuffled) == result


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("d9", "desktop", "2026-11-21T09:30:00Z"), ("d1", "mobile", "2026-11-21T09:00:00Z")),  # desktop before mobile
        (("d9", "desktop", "2026-11-21T09:00:00Z"), ("d1", "desktop", "2026-11-21T09:30:00Z")),  # the earlier session
        (("d1", "desktop", "2026-11-21T09:00:00Z"), ("d9", "desktop", "2026-11-21T09:00:00Z")),  # the lower id
    ],
)
def test_who_comes_before_whom(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    minutes = [[1, 0, 0, 0, "work", None]] * 10
    own = [Claim(f"c:{device}:s", device, kind, began, minutes) for device, kind, began in (second, first)]
    result = counted(own)
    assert all(result[f"c:{first[0]}:s"])
    assert not any(result[f"c:{second[0]}:s"])


@given(MINUTES, st.lists(st.booleans(), min_size=10, max_size=10), st.booleans())
def test_minutes_are_split_without_rest(minutes: list[Any], counts: list[bool], movement: bool) -> None:
    """fine-print.md, *Minutes*: office = work + break + private, work ⊇ tracked ⊇ active; A-01."""
    found = count_minutes(minutes, counts, movement_counts=movement)
    office = sum(yes and minute is not None for minute, yes in zip(minutes, counts, strict=True))
    assert found["office_minutes"] == office
    assert found["work_minutes"] + found["break_minutes"] + found["private_minutes"] == office
    assert found["tracked_minutes"] == found["work_minutes"]
    assert found["active_minutes"] + found["idle_minutes"] <= found["tracked_minutes"]


@pytest.mark.parametrize(
    ("minute", "active", "with_movement"),
    [
        ([1, 0, 0, 0, "work", None], True, True),
        ([0, 1, 0, 0, "work", None], True, True),
        ([0, 0, 1, 0, "work", None], True, True),
        ([0, 0, 0, 9, "work", None], False, True),
        ([0, 0, 0, 0, "work", None], False, False),
        ([9, 9, 9, 9, "idle", None], False, False),
        ([9, 9, 9, 9, "break", None], False, False),
        (None, False, False),
    ],
)
def test_movement_alone_makes_no_minute_active(minute: Any, active: bool, with_movement: bool) -> None:
    """T-03, and its setting ``movement_counts``."""
    assert segments.is_active(minute) is active
    assert segments.is_active(minute, movement_counts=True) is with_movement


# removals -----------------------------------------------------------------------------------------------------------

GONE = st.lists(st.integers(-1, 9), min_size=10, max_size=10)


@given(parts(), st.lists(GONE, max_size=4), st.randoms(use_true_random=False))
def test_removals_take_time_for_good_in_any_order(
    own: list[Part], gone: list[list[int]], chance: random.Random
) -> None:
    """S-08: a minute is there exactly where some part has it that no removal covers; doubled and shuffled alike."""
    united = [max(column, default=-1) for column in zip(*gone, strict=True)] or list(segments.NOTHING_GONE)
    again = gone * 2
    chance.shuffle(again)
    folded: segments.Gone = segments.NOTHING_GONE
    for one in again:
        folded = segments.unite_gone(folded, one)
    assert list(folded) == united
    left = segments.left_of(own * 2, united)
    shown = merge(left).minutes if left else [None] * 10
    for index in range(10):
        there = [part for part in own if part.minutes[index] is not None and part.seq > united[index]]
        assert (shown[index] is not None) == bool(there)


def test_of_what_lost_all_its_minutes_nothing_is_left() -> None:
    apps, captures = [["code", None, None, 60]], [{"capture_id": "a"}]
    own = Part(4, [[1, 0, 0, 0, "work", 0]] + [None] * 9, "memo", "label", apps, captures, "s", "t")
    bare = segments.without(own, [4] + [-1] * 9)
    assert (bare.memo, bare.label, bare.apps, bare.captures) == (None, None, [], [])
    assert segments.left_of([own], [4] + [-1] * 9) == []
    assert segments.left_of([own], [3] + [-1] * 9) == [own]
