"""A member's week and contracts' rows, worked out of days and timesheets; forms as they are read (S-03, S-10, V-06)."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.pages import audit_words, contracts_view, formatting
from services.diary.pages.audit_view import lines_of, since_of
from services.diary.pages.audit_words import Known
from services.diary.pages.decided_view import notes_of, pattern_path, seal_of, shown_state, steps_of
from services.diary.pages.gallery_view import gallery_view
from services.diary.pages.listing import folded, search
from services.diary.pages.range_view import days_between
from services.diary.pages.week_view import WeekAround, dates_of, entries_of, week_view
from services.kit.problems import Problem
from services.wire import currencies
from services.wire.seals import pattern
from services.wire.slots import day_bounds, week_bounds
from tests.diary.pages import sample

UTC_ZONE = ZoneInfo("UTC")
MONDAY = date(2026, 11, 16)
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
TERMS = {"project": "Halden portal", "currency": "EUR", "rate_minor": 6400, "memo_required": True, "labels": []}
KNOWN = Known({"con-abcdefgh12": "Halden portal", "dev-abcdefgh12": "fjord-14"}, {"con-abcdefgh12": "m-1"})


def a_sheet(**more: Any) -> dict[str, Any]:
    """A timesheet as ``timesheets.show`` gives it."""
    totals = {"billable_minutes": 1800, "automatic_minutes": 1730, "manual_minutes": 70, "over_limit_minutes": 20}
    sheet = {"contract": sample.PORTAL, "project": "Halden portal", "week": "2026-11-16", "state": "open"}
    sheet |= {"approved": False, "rejected": False, "changed_since": False, "limit_minutes": 1800, "totals": totals}
    sheet |= {"rejected_because": None}
    sheet |= {
        "currency": "EUR",
        "rate_minor": 6400,
        "amount_minor": 192_000,
        "seal": None,
        "history": [],
        "adjustments": [],
    }
    return sheet | {"locks_at": "2026-11-23T12:00:00Z", **more}


def entry(action: str, name: str = "Leyla Aydin", reason: str | None = None) -> dict[str, Any]:
    return {"at": "2026-11-20T10:00:00Z", "action": action, "actor": "m", "actor_name": name, "reason": reason}


def the_week(zone: ZoneInfo = UTC_ZONE, **more: Any) -> Any:
    days = [sample.answer([], str(day), zone.key) for day in dates_of(week_bounds(MONDAY, UTC_ZONE), zone)]
    friday = next(index for index, day in enumerate(days) if day["date"] == "2026-11-20")
    days[friday] = sample.friday() | {"zone": zone.key}
    around = WeekAround(
        member=sample.MEMBER,
        contracts={sample.PORTAL: TERMS, sample.TARIFF: {**TERMS, "project": "Tariff import", "memo_required": False}},
        sheets=[a_sheet()],
        zone=zone,
        billing=UTC_ZONE,
        now=NOW,
        address=lambda monday: f"/timesheets/m?week={monday}",
        **more,
    )
    return week_view(MONDAY, days, around)


def test_the_week_is_the_sum_of_its_days() -> None:
    view = the_week()
    assert (view.title, view.previous[1], view.following) == ("Week 47, 16 to 22 Nov 2026", "Week 46", None)
    assert view.billable == ("6", "h", "30")
    assert [row.words for row in view.table.rows if not row.ribbon] == ["Nothing recorded"] * 4 + ["Not yet"] * 2
    friday = view.table.rows[4]
    assert (friday.name, friday.billable.text) == ("Fri 20", "6:30")
    assert friday.href == f"/diary/{sample.MEMBER}/2026-11-20?zone=UTC"
    assert [cell.text for cell in view.table.totals] == [cell.text for cell in friday.cells]
    assert view.table.rows[5].billable.text == "–", "what is not yet is a dash, never 0"


def test_a_week_read_in_another_zone_says_which_part_of_its_first_and_last_day_is_its() -> None:
    """V-01, S-03: the week stays the billing zone's, also where its days are another's."""
    view = the_week(ZoneInfo("America/New_York"))
    names = [(row.name, row.part) for row in view.table.rows]
    assert (names[0], names[-1]) == (("Sun 15", "from 19:00"), ("Sun 22", "to 19:00"))
    assert {part for _, part in names[1:-1]} == {""}
    assert view.cut == "The week is cut in UTC"
    assert view.billable == the_week().billable
    assert (the_week().cut, {row.part for row in the_week().table.rows}) == ("", {""})


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(("UTC", "Europe/Berlin", "Pacific/Apia")))
def test_the_days_of_a_week_in_another_zone_hold_all_of_it(day: date, name: str) -> None:
    """S-03: none of it is left out where clocks change or a zone skips a day, and no day has nothing of it."""
    zone, span = ZoneInfo(name), week_bounds(day - timedelta(days=day.weekday()), ZoneInfo("America/New_York"))
    bounds = [day_bounds(one, zone) for one in dates_of(span, zone)]
    assert bounds[0][0] <= span[0] < bounds[0][1]
    assert bounds[-1][0] < span[1] <= bounds[-1][1]
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(bounds))


def test_contracts_stand_against_their_limits_with_their_money() -> None:
    """V-06, S-03: 30 h at 64.00."""
    (one,) = the_week().contracts
    assert (one.used, one.of, one.amount) == ("30:00", "of 30 h", "€\u00a01,920.00")
    assert one.words.startswith("20 min over the limit, not billed.")
    assert [bar.kind for bar in one.bars] == ["auto", "manual", "over"]


def test_what_to_settle_is_said_with_the_way_there() -> None:
    """S-04, S-09: a memo that the contract asks for comes first."""
    checks = the_week().checks
    assert checks[0].strong == "2 segments without a memo that the contract asks for"
    assert checks[0].link == (f"/diary/{sample.MEMBER}/2026-11-20?zone=UTC", "Friday 13:20 and 13:30")
    assert checks[-1].strong == "Arrived: not known just now"
    assert checks[-1].icon == "warn"


def test_a_manual_entry_is_one_line_whatever_its_segments() -> None:
    """S-05."""
    first = sample.segment(NOW, status="manual") | {"device": None, "entry": "man_1"}
    other = sample.segment(NOW, status="manual") | {"device": None, "entry": "man_2"}
    assert [len(one) for one in entries_of([first, first, other, sample.segment(NOW)])] == [2, 1]


# where it stands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sheet", "current", "done"),
    [
        (a_sheet(), "Open", []),
        (a_sheet(state="submitted", history=[entry("submitted")]), "Submitted", ["Open"]),
        (
            a_sheet(state="approved", approved=True, history=[entry("submitted"), entry("approved")]),
            "Approved",
            ["Open", "Submitted"],
        ),
        (a_sheet(state="locked"), "Locked, being sealed", ["Open"]),
    ],
)
def test_the_four_steps_to_the_seal(sheet: dict[str, Any], current: str, done: list[str]) -> None:
    """S-10, S-06: a week locks by the clock alone, and a step that nobody took is not shown as done."""
    steps = steps_of([sheet], UTC_ZONE, NOW)
    assert [step.name for step in steps if step.current] == [current]
    assert [step.name for step in steps if step.done] == done
    assert steps[-1].words == "Monday 23 Nov 12:00 UTC, in 2 d 21 h"


def test_a_week_stands_where_its_contract_that_is_furthest_behind_stands() -> None:
    steps = steps_of([a_sheet(state="approved", approved=True), a_sheet()], UTC_ZONE, NOW)
    assert [step.name for step in steps if step.current] == ["Open"]


def test_a_rejection_is_named_with_its_reason() -> None:
    """S-10."""
    sent_back = [entry("submitted", "Mira"), entry("rejected", reason="Friday is missing")]
    sheet = a_sheet(history=sent_back, rejected=True)
    assert shown_state(sheet) == "rejected"
    assert notes_of(sheet, UTC_ZONE)[0] == "Rejected by Leyla Aydin, 20 Nov 2026, 10:00 UTC: Friday is missing"
    steps = steps_of([sheet], UTC_ZONE, NOW)
    assert steps[1].words == "by the member, at any time", "what was submitted before the rejection counts no more"
    moved = a_sheet(state="submitted", changed_since=True)
    assert notes_of(moved, UTC_ZONE) == ["Its minutes changed after it was submitted."]


@given(st.binary(min_size=32, max_size=32))
def test_the_seals_pattern_is_the_one_that_the_checking_program_prints(root: bytes) -> None:
    """B-01: 32 bits in a row, the first bit top left."""
    drawn = set()
    for move in pattern_path(root.hex()).split("z")[:-1]:
        x, y = move.removeprefix("M").split("h")[0].split()
        drawn.add((int(y) // 10, int(x) // 5))
    printed = pattern(root.hex())
    assert drawn == {(row, column) for row in range(8) for column in range(32) if printed[row][column] == "█"}


def test_a_seal_is_shown_with_the_one_before() -> None:
    seal = {"root": "ab" * 32, "previous": "0" * 64, "sealed_at": "2026-11-23T12:00:04Z", "leaves": 169, "number": 2}
    shown = seal_of(a_sheet(seal=seal), UTC_ZONE)
    assert shown
    assert (shown.root[:17], shown.sealed) == ("abababab abababab", "23 Nov 2026 12:00:04 UTC")
    assert seal_of(a_sheet(), UTC_ZONE) is None


# contracts and their form -------------------------------------------------------------------------------------------


@given(st.integers(0, 10_080))
def test_a_limit_is_read_as_it_is_written(minutes: int) -> None:
    assert contracts_view.read_hours(formatting.hours_and_minutes(minutes)) == minutes


@pytest.mark.parametrize(("text", "minutes"), [("", None), ("30", 1800), ("37.5", 2250), ("37,5", 2250), ("0", 0)])
def test_hours_may_be_written_as_people_do(text: str, minutes: int | None) -> None:
    assert contracts_view.read_hours(text) == minutes


@pytest.mark.parametrize("text", ["-1", "30:60", "30:5", "x", "169", "1.234", "1e3"])
def test_what_is_no_limit_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(Problem) as refused:
        contracts_view.read_hours(text)
    assert refused.value.extra["field"] == "weekly_limit_minutes"


@given(st.integers(0, 999_999_999), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_a_rate_is_read_as_it_is_written(minor: int, currency: str) -> None:
    """S-03: integer minor units, also where they are not hundredths."""
    places = formatting.places_of(currency)
    text = formatting.money(minor, currency).split("\u00a0")[1].replace(",", "")
    assert contracts_view.read_rate(text, places) == minor


def test_amounts_have_their_currencys_decimals() -> None:
    """ISO 4217: what is shown with others would be a hundred times too much or too little."""
    shown = [formatting.money(12345, code).split("\u00a0")[1] for code in ("CHF", "UGX", "XPF", "OMR", "IQD", "CLF")]
    assert shown == ["123.45", "12,345", "12,345", "12.345", "12.345", "1.2345"]
    assert {"EUR", "JPY", "KWD", "CLF"} < currencies.CODES


def test_no_rate_is_not_paid_by_the_hour() -> None:
    """S-03: only hourly contracts bill."""
    assert contracts_view.read_rate("", 2) is None


TERMS_THEN = {
    **TERMS,
    "member": "m-1",
    "client": None,
    "weekly_limit_minutes": 1800,
    "manual_time": True,
    "starts_on": None,
    "ends_on": None,
}


def test_a_version_of_a_contract_says_what_became_different() -> None:
    """S-03, S-07: the newest first, each against the one before it."""
    now = {**TERMS_THEN, "rate_minor": None, "client": "m-2"}
    found = [
        {"version": 2, "changed_at": "2026-11-20T10:00:00Z", "by_name": "Ada Admin", "contract": now},
        {"version": 1, "changed_at": None, "by_name": None, "contract": TERMS_THEN},
    ]
    newest, first = contracts_view.versions_of(found, {"m-2": "Halden Freight"}, ZoneInfo("Europe/Oslo"))
    assert (newest.number, newest.made) == (2, "20 Nov 2026, 11:00 Oslo by Ada Admin")
    assert [tuple(one) for one in newest.changes] == [
        ("Client", "None", "Halden Freight"),
        ("Rate", "€\u00a064.00 an hour", "Not paid by the hour"),
    ]
    assert (first.made, first.changes) == ("", [])


def test_what_programs_are_told_is_read_by_the_clock() -> None:
    said = formatting.with_clocks("The first at 2026-11-20T08:00:00Z: choose another (S-05).", ZoneInfo("Europe/Oslo"))
    assert said == "The first at 20 Nov 2026, 09:00 Oslo: choose another."


def test_pictures_looked_through_within_a_minute_are_one_line_of_the_log() -> None:
    """G-02, B-03: none is left out, and another's looks, or a minute later, stand apart."""
    looks = [
        {"id": str(n), "at": f"2026-11-20T10:0{n // 3}:0{n}Z", "action": "capture.viewed", "actor": "m-2"}
        | {"actor_name": "Ada", "actor_role": "admin", "member": "m-1", "capture": f"cap-{n}", "target": None}
        | {"detail": "thumbnail", "address": None}
        for n in range(5)
    ]
    lines = lines_of(looks, Known({"m-1": "Mira"}))
    assert [(one.did, one.several) for one in lines] == [
        ("looked at 3 pictures", "cap-0, cap-1, cap-2"),
        ("looked at 2 pictures", "cap-3, cap-4"),
    ]


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ('by="password"', "with the password"),
        ("thumbnail", "small, in a list"),
        ("currency, ends_on, rate_minor", "currency, last day, rate"),
        (
            'draft=false, expires=null, member, mode="worklog", seats=1',
            "draft: no, last day: none, member, mode: worklog",
        ),
    ],
)
def test_a_detail_is_read_in_the_products_words(detail: str, words: str) -> None:
    """G-02: what programs wrote for programs."""
    assert audit_words.said(detail, KNOWN).startswith(words)


def test_ids_in_the_log_are_read_as_names_where_these_are_known() -> None:
    """G-02: and what cannot be read as fields stands there as it was written: nothing is left out."""
    assert audit_words.said("3 of 4 of device dev-abcdefgh12", KNOWN) == "3 of 4 of device fjord-14"
    assert audit_words.said("label of 1 segments", KNOWN) == "label of 1 segment"
    assert audit_words.said('name, state="cut o', KNOWN) == 'name, state="cut o'
    assert audit_words.said('expires="2026-11-20T08:00:00Z"', KNOWN) == "last day: 20 Nov 2026, 08:00 UTC"
    week = audit_words.week_in("con-abcdefgh12 2026-11-16 pdf", KNOWN)
    assert week == ("Halden portal, Week 47, 16 to 22 Nov 2026", "/timesheets/m-1?week=2026-11-16", "as PDF")
    unknown = audit_words.week_in("con-zzzzzzzz12 2026-11-16", KNOWN)
    assert unknown == ("con-zzzzzzzz12, Week 47, 16 to 22 Nov 2026", "", "")
    assert audit_words.week_in("35 minutes of work by hand", KNOWN) is None


def test_names_are_found_and_ordered_whatever_their_accents() -> None:
    people = [{"name": name} for name in ("Zeno", "Ólafur Berg", "Łukasz", "Moe")]
    assert [one["name"] for one in sorted(people, key=lambda one: folded(one["name"]))] == [
        *("Łukasz", "Moe", "Ólafur Berg", "Zeno")
    ]
    assert search(people, "lukasz", ("name",)) == [people[2]]
    assert search(people, "BERG ólaf", ("name",)) == [people[1]]


def test_when_the_first_entry_in_no_chain_was_written_is_said_by_the_clock() -> None:
    """G-02: and an entry with an id of somebody's own making does not break the page that tells of it."""
    zone = ZoneInfo("Europe/Oslo")
    assert since_of(["2026-11-20T08:00:00.914248Z|aud_1"], zone) == "20 Nov 2026, 09:00 Oslo"
    assert (since_of(["made-up|x"], zone), since_of([], zone)) == ("made-up", "")


@pytest.mark.parametrize("text", ["a", "-5", "5.123", "1.2.3", "9999999999"])
def test_what_is_no_rate_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(Problem) as refused:
        contracts_view.read_rate(text, 2)
    assert refused.value.extra["field"] == "rate_minor"


def test_a_contract_without_an_hourly_rate_has_a_dash_and_no_zero() -> None:
    contract = {"rate_minor": None, "currency": "EUR", "weekly_limit_minutes": None}
    row = contracts_view.week_row(contracts_view.no_time(MONDAY, contract))
    assert (row.amount, row.of, row.limited) == ("–", "no weekly limit", False)
    assert contracts_view.rate_words(contract) == "Not paid by the hour"


@pytest.mark.parametrize("last", [date(2026, 11, 1), date(2027, 11, 2)])
def test_a_range_that_is_none_or_too_long_is_refused(last: date) -> None:
    """V-01."""
    assert days_between(date(2026, 11, 2), date(2026, 11, 30)) == 29
    with pytest.raises(Problem):
        days_between(date(2026, 11, 2), last)


def test_the_gallery_has_a_days_pictures_by_set() -> None:
    """M-01: a set runs from start to stop; what is not there (any more) is counted beside it."""
    day = sample.friday()
    view = gallery_view(day["segments"], ZoneInfo("Europe/Oslo"), sample.around().paths)
    stored = [one for segment in day["segments"] for one in segment["captures"] if one["state"] == "stored"]
    assert view.number == sum(len(one.shots) for one in view.sets) == len(stored)
    assert view.sets[0].title.startswith("08:1")
    assert all(shot.href.startswith(f"/diary/{sample.MEMBER}/") for one in view.sets for shot in one.shots)
    pending = gallery_view([sample.segment(NOW, state="pending")], UTC_ZONE, sample.around().paths)
    assert (pending.number, pending.sets[0].gone) == (0, 2)
