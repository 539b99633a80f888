"""Weeks made up at random, folded by the diary and by ``reference.py``: they agree, whatever the order.

``python -m tests.diary.generated_weeks [WEEKS]``, 100,000 if not said otherwise; no server is needed.
"""

import random
import sys
import time
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from services.diary import edits, late, projections
from services.diary.people import Workspace
from services.diary.projections import Document
from services.diary.weeks import claimed_of, is_manual, roll_up, sheet_key
from services.wire.billing import Term, amount_minor, line_amounts, status_of, term_of
from services.wire.edits import Edit
from services.wire.segments import NOTHING_GONE, Part, left_of
from services.wire.slots import SLOT, format_instant, parse_slot
from tests.diary import reference
from tests.diary.facts import slots_from
from tests.diary.reference import Noted, Record, Removed, Week

CONTRACTS, DEVICES = ("ca", "cb", "cc"), (("da", "desktop"), ("db", "desktop"), ("mo", "mobile"))
STATES = ("work", "work", "work", "idle", "locked", "break", "private")
WAVES = (0, 0, 0, 0, 1, 2)
BILLING = ZoneInfo("Etc/GMT+8")
"""Its Monday begins at 08:00 UTC, with the third slot."""
MONDAY, LATER = "2026-11-16", ("2026-11-23", "2026-11-30")
"""The week, and those that are open when what comes after its seal is first folded."""


def make(dice: random.Random) -> tuple[Week, list[Edit]]:
    """A week of records and manual entries, with notes and removals; the edits as the diary has them."""
    slots, week, made = slots_from("2026-11-16T07:40:00Z", dice.randint(1, 5)), Week(), list[Edit]()
    seqs = dict.fromkeys((device for device, _ in DEVICES), 0)
    for _ in range(dice.randint(1, 10)):
        device, kind = dice.choice(DEVICES)
        seqs[device] += 1
        minutes = [(dice.choice(STATES), dice.random() < 0.6) if dice.random() < 0.6 else None for _ in range(10)]
        started = dice.choice(["2026-11-16T07:00:00Z", "2026-11-16T07:30:00Z"])
        memo = dice.choice([None, "one", "two"])
        if any(minutes):
            place = dice.choice(CONTRACTS), device, kind, dice.choice(slots), seqs[device]
            week.records.append(Record(*place, started, minutes, memo, dice.choice(WAVES)))
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
    """The diary's own fold, wave by wave, each in some order and doubled, without its store."""
    segments: dict[str, Document] = {}
    sheets: dict[tuple[str, str], int] = {}
    for wave, monday in enumerate((MONDAY, *LATER)):
        work: list[Record | Edit] = [one for one in week.records if one.kind != "manual" and one.wave == wave]
        work += made if not wave else []
        work += dice.sample(work, len(work) // 2)
        dice.shuffle(work)
        sealed = {key for key, one in segments.items() if "shown" in one}
        for one in work:
            _take(one, segments, sealed, monday)
        for key in segments.keys() - sealed:
            segments[key]["week"] = monday  # also where what came before the seal was removed before it
        projections.count_all(segments.values(), lambda _: Workspace(), lambda _, week, now=monday: week < now)
        for key, document in segments.items():
            for one in (document, *late.further(document)):
                if "claim" in one:  # what a sealed week's sheet says stands, whatever is counted later (sheets.py)
                    one["claim"] = sheets.setdefault((key, one["week"]), one["claim"])
    return segments


def _take(one: Record | Edit, segments: dict[str, Document], sealed: set[str], monday: str) -> None:
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
        if key in sealed and document["week"] != monday and left_of([part], document.get("gone", NOTHING_GONE)):
            late.add(document, {one.seq: monday})
        touched = {key}
    for key in touched:
        projections.put_together(segments[key], {})


def _minutes(record: Record) -> list[Any]:
    return [minute and [int(minute[1]), 0, 0, 1, minute[0], None] for minute in record.minutes]


def compare(seed: int) -> None:
    """One generated week; AssertionError where the two disagree."""
    dice = random.Random(seed)
    week, made = make(dice)
    limits = {one: dice.choice([None, 0, 10, 17, 25, 40]) for one in CONTRACTS}
    rates = {one: dice.choice([None, 0, 6000, 6131]) for one in CONTRACTS}
    unit = dice.choice(["segment", "minute"])
    days = [None, None, None, "2026-11-15", "2026-11-16"]
    terms = {one: (dice.choice(days), dice.choice(days)) for one in CONTRACTS}
    expected = reference.fold(week, limits, rates, unit, terms)
    segments = fold(week, made, dice)
    shown = {key: one for key, one in segments.items() if "shown" in one}
    found = {projections.segment_id_of(key): projections.shown_of(one) for key, one in shown.items()}
    there = {name: [minute is not None for minute in data["minutes"]] for name, data in found.items()}
    assert {name: (found[name]["memo"], there[name]) for name in found} == expected.segments, seed
    assert sum(late.sum_figures(one)[2] for one in shown.values()) == expected.office, seed
    bookings = _bookings(shown)
    for (contract, wave), bill in expected.contracts.items():
        own = {name: claim for name, claim in bookings.items() if name.startswith(f"{contract}:") and _in(name, wave)}
        term = term_of(*terms[contract], BILLING)
        _compare_contract(own, contract, expected, bill, (limits[contract], rates[contract], unit, term), seed)
    assert set(bookings) == set(expected.bookings), seed


def _bookings(shown: dict[str, Document]) -> dict[str, int]:
    """What each segment claims of each week's bill, as ``segment|wave``."""
    weeks = {monday: wave for wave, monday in enumerate((MONDAY, *LATER))}
    found = {}
    for key, document in shown.items():
        for one in (document, *late.further(document)):
            found[f"{projections.segment_id_of(key)}|{weeks[one['week']]}"] = one["claim"]
    return found


def _in(name: str, wave: int) -> bool:
    return name.endswith(f"|{wave}")


def _compare_contract(
    own: dict[str, int],
    contract: str,
    expected: reference.Expected,
    bill: dict[str, int],
    terms: tuple[int | None, int | None, Any, Term],
    seed: int,
) -> None:
    limit, rate, unit, term = terms
    places = {name: name.split("|")[0].split(":", 2) for name in own}
    sheet = {sheet_key(slot, device): own[name] for name, (_, device, slot) in places.items()}
    rolled = roll_up(contract, sheet, limit, unit, hourly=rate is not None, term=term)
    found = {"billable": rolled["billable_minutes"], "manual": rolled["manual_minutes"]}
    found |= {"over": rolled["over_limit_minutes"], "tracked": rolled["tracked_minutes"]}
    found["amount"] = amount_minor(rolled["billable_minutes"], rate or 0)
    assert found == bill, seed
    lines = []
    for name in sorted(own, key=lambda name: (places[name][2], name)):
        claimed = claimed_of(own[name], unit) if rate is not None and term.holds(places[name][2]) else 0
        over, manual = name.split("|")[0] in rolled["over"], is_manual(own[name])
        status, billed = status_of(claimed, over=over, manual=manual)
        assert (status, billed) == expected.bookings[name], (seed, name)
        lines.append(billed)
    assert sum(line_amounts(lines, rate or 0)) == bill["amount"], seed


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
