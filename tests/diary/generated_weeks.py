"""Weeks made up at random, folded by the diary and by ``reference.py``: they agree, whatever the order.

``python -m tests.diary.generated_weeks [WEEKS]``, 100,000 if not said otherwise; no server is needed.
"""

import random
import sys
import time
from typing import Any

import orjson

from services.diary import edits, projections
from services.diary.people import Workspace
from services.diary.projections import Document
from services.diary.weeks import claimed_of, is_manual, roll_up, sheet_key
from services.wire.billing import amount_minor, line_amounts, status_of
from services.wire.edits import Edit
from services.wire.segments import Part
from services.wire.slots import SLOT, format_instant, parse_slot
from tests.diary import reference
from tests.diary.facts import slots_from
from tests.diary.reference import Noted, Record, Removed, Week

CONTRACTS, DEVICES = ("ca", "cb", "cc"), (("da", "desktop"), ("db", "desktop"), ("mo", "mobile"))
STATES = ("work", "work", "work", "idle", "locked", "break", "private")
MONDAY = "2026-11-16"


def make(dice: random.Random) -> tuple[Week, list[Edit]]:
    """A week of records and manual entries, with notes and removals; the edits as the diary has them."""
    slots, week, made = slots_from("2026-11-16T08:00:00Z", dice.randint(1, 5)), Week(), list[Edit]()
    seqs = dict.fromkeys((device for device, _ in DEVICES), 0)
    for _ in range(dice.randint(1, 10)):
        device, kind = dice.choice(DEVICES)
        seqs[device] += 1
        minutes = [(dice.choice(STATES), dice.random() < 0.6) if dice.random() < 0.6 else None for _ in range(10)]
        started = dice.choice(["2026-11-16T07:00:00Z", "2026-11-16T07:30:00Z"])
        memo = dice.choice([None, "one", "two"])
        if any(minutes):
            place = dice.choice(CONTRACTS), device, kind, dice.choice(slots), seqs[device]
            week.records.append(Record(*place, started, minutes, memo))
    for number in range(dice.randint(0, 2)):
        made.append(_entry(dice, slots, week, number))
    for number in range(dice.randint(0, 4)):
        if week.records:
            made.append(_edit(dice, week, number))
    return week, made


def _said(number: int, kind: Any, contract: str, about: dict[str, Any], personal: dict[str, Any], at: int) -> Edit:
    when = f"2026-11-17T09:00:0{at}Z"
    who = ("chg", "w", "m", contract, MONDAY, when, "m", "employee")
    return Edit(f"{kind}-{number}", *who, kind, about, personal)


def _entry(dice: random.Random, slots: list[str], week: Week, number: int) -> Edit:
    first = dice.randrange(len(slots) * 10)
    last = dice.randint(first + 1, len(slots) * 10)
    start = parse_slot(slots[0]) + first * SLOT / 10
    end = parse_slot(slots[0]) + last * SLOT / 10
    kind, contract, entry = dice.choice(["work", "work", "break", "private"]), dice.choice(CONTRACTS), f"man_{number}"
    for place, slot in enumerate(slots):
        minutes = [(kind, False) if first <= place * 10 + at < last else None for at in range(10)]
        if any(minutes):
            started = format_instant(start)
            week.records.append(Record(contract, entry, "manual", slot, 0, started, list(minutes), "by hand"))
    about = {"entry": entry, "manual_kind": kind, "start": format_instant(start), "end": format_instant(end)}
    return _said(number, "manual", contract, about, {"memo": "by hand"}, 0)


def _edit(dice: random.Random, week: Week, number: int) -> Edit:
    about = dice.choice(week.records)
    if dice.random() < 0.5:
        minutes = list(range(10)) if dice.random() < 0.5 else sorted(dice.sample(range(10), dice.randint(1, 9)))
        week.removed.append(Removed(about.segment, minutes, about.seq))
        removed = {"removed": [[about.segment, minutes, about.seq]], "captures": []}
        return _said(number, "removal", about.contract, removed, {}, 1)
    names = sorted({one.segment for one in week.records if one.contract == about.contract and dice.random() < 0.7})
    edit = _said(
        number, "note", about.contract, {"segments": names}, {"memo": dice.choice([None, "said"])}, dice.randint(0, 3)
    )
    week.noted.append(Noted(names, edit.personal["memo"] if edit.personal else None, edit.at, edit.id))
    return edit


def fold(week: Week, made: list[Edit], dice: random.Random) -> dict[str, Document]:
    """The diary's own fold, of all of it in some order and doubled, without its store."""
    segments: dict[str, Document] = {}
    work: list[Record | Edit] = [*(one for one in week.records if one.kind != "manual"), *made]
    work += dice.sample(work, len(work) // 2)
    dice.shuffle(work)
    for one in work:
        if isinstance(one, Edit):
            edits.apply(one, segments, {})
            touched = edits.segments_of(one)
        else:
            key = edits.segment_key("w", "m", one.segment)
            document = segments.setdefault(key, projections.new_segment(key))
            document |= {"parts": {}} | document
            part = Part(one.seq, _minutes(one), one.memo, None, [], [], "ses", one.started)
            document["kind"] = one.kind
            document["parts"] = {**document["parts"], str(one.seq): orjson.dumps([*part])}
            touched = {key}
        for key in touched:
            projections.put_together(segments[key], {})
    return segments


def _minutes(record: Record) -> list[Any]:
    return [minute and [int(minute[1]), 0, 0, 1, minute[0], None] for minute in record.minutes]


def compare(seed: int) -> None:
    """One generated week; AssertionError where the two disagree."""
    dice = random.Random(seed)
    week, made = make(dice)
    limits = {one: dice.choice([None, 0, 10, 17, 25, 40]) for one in CONTRACTS}
    rates = {one: dice.choice([None, 0, 6000, 6131]) for one in CONTRACTS}
    unit = dice.choice(["segment", "minute"])
    expected = reference.fold(week, limits, rates, unit)
    segments = fold(week, made, dice)
    projections.count_all(segments.values(), lambda _: Workspace(), lambda _: False)
    shown = {key: one for key, one in segments.items() if "shown" in one}
    assert {projections.segment_id_of(key) for key in shown} == set(expected.segments), seed
    assert sum(one["figures"][2] for one in shown.values()) == expected.office, seed
    for contract, sums in expected.contracts.items():
        own = {key: one for key, one in shown.items() if key.split("|")[3] == contract}
        _compare_contract(own, contract, expected, sums, (limits[contract], rates[contract], unit), seed)


def _compare_contract(
    own: dict[str, Document],
    contract: str,
    expected: reference.Expected,
    sums: dict[str, int],
    terms: tuple[int | None, int | None, Any],
    seed: int,
) -> None:
    limit, rate, unit = terms
    sheet = {sheet_key(key.split("|")[2], key.split("|")[4]): one["claim"] for key, one in own.items()}
    rolled = roll_up(contract, sheet, limit, unit, hourly=rate is not None)
    found = {"billable": rolled["billable_minutes"], "manual": rolled["manual_minutes"]}
    found |= {"over": rolled["over_limit_minutes"], "tracked": rolled["tracked_minutes"]}
    found["amount"] = amount_minor(rolled["billable_minutes"], rate or 0)
    assert found == sums, seed
    lines = []
    for key, one in sorted(own.items()):
        name, data = projections.segment_id_of(key), projections.shown_of(one)
        claimed = claimed_of(one["claim"], unit) if rate is not None else 0
        status, billed = status_of(claimed, over=name in rolled["over"], manual=is_manual(one["claim"]))
        there = [minute is not None for minute in data["minutes"]]
        assert (status, billed, data["memo"], there) == expected.segments[name], (seed, name)
        lines.append(billed)
    assert sum(line_amounts(lines, rate or 0)) == sums["amount"], seed


def main(count: int) -> None:
    """Compares so many weeks."""
    began = time.monotonic()
    for seed in range(count):
        compare(seed)
        if seed % 10_000 == 9_999:
            print(f"{seed + 1} weeks agree, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{count} weeks agree")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
