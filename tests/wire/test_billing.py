"""What is billed, to the minute (S-01, S-02, S-03, S-09): examples by hand, and what holds of every week."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diary.weeks import Sheet, days_of, locks_at, roll_up, state_of
from services.wire.billing import (
    ALWAYS,
    NOTHING,
    Claim,
    Recorded,
    Term,
    amount_minor,
    bill,
    count_slot,
    line_amounts,
    status_of,
    term_of,
    unprotected_because,
)
from services.wire.segments import STATES
from services.wire.slots import day_of, format_instant, slots_between

UNITS = st.sampled_from(["segment", "minute"])
LIMITS = st.none() | st.integers(0, 400)
MINUTE = st.none() | st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.just(0), st.integers(0, 9), st.sampled_from(STATES), st.none()
).map(list)
SEGMENTS = st.lists(
    st.builds(
        lambda contract, device, kind, started, minutes: Recorded(
            f"{contract}:{device}:slot", contract, device, kind, f"2026-11-16T0{started}:00:00Z", minutes
        ),
        st.sampled_from("ABC"),
        st.sampled_from("xyz"),
        st.sampled_from(["desktop", "mobile"]),
        st.integers(0, 9),
        st.lists(MINUTE, min_size=10, max_size=10),
    ),
    max_size=5,
    unique_by=lambda one: one.segment_id,
)
CLAIMS = st.lists(
    st.builds(
        lambda hour, key, whole, exact, manual: Claim(
            f"2026-11-16T{hour:02}:00:00Z", str(key), 10 if whole else 0, exact if whole else 0, manual
        ),
        st.integers(0, 23),
        st.integers(0, 10**6),
        st.booleans(),
        st.integers(1, 10),
        st.booleans(),
    ),
    max_size=40,
    unique_by=lambda one: one.key,
)


def _claim(hour: int, minutes: int = 10, *, manual: bool = False) -> Claim:
    return Claim(f"2026-11-16T{hour:02}:00:00Z", f"at-{hour:02}", minutes, minutes, manual)


def test_what_passes_the_limit_is_over_it_whole() -> None:
    """S-03: a segment is billable while used + its minutes ≤ the limit; else it is over the limit, whole."""
    week = [_claim(hour) for hour in (12, 9, 11, 10)]
    assert bill(week, 40, "segment") == (40, 40, 0, 0, ())
    assert bill(week, 39, "segment") == (30, 30, 0, 10, ("at-12",))
    assert bill(week, 0, "segment") == (0, 0, 0, 40, ("at-09", "at-10", "at-11", "at-12"))
    assert bill(week, None, "segment") == (40, 40, 0, 0, ())


def test_manual_time_uses_up_the_limit_at_its_place() -> None:
    week = [_claim(9), _claim(10, 30, manual=True), _claim(11)]
    assert bill(week, 40, "minute") == (40, 10, 30, 10, ("at-11",))


def test_the_billing_unit() -> None:
    """S-01: a segment with an active minute is billed whole, or by its tracked minutes."""
    active, idle = [1, 0, 0, 0, "work", None], [0, 0, 0, 0, "idle", None]
    counts = count_slot(
        [
            Recorded("A:x:s", "A", "x", "desktop", "2026-11-16T08:00:00Z", [active, *[idle] * 3, *[None] * 6]),
            Recorded("B:x:s", "B", "x", "desktop", "2026-11-16T08:00:00Z", [*[None] * 4, *[idle] * 6]),
        ]
    )
    assert [(one.whole, one.exact) for one in counts.values()] == [(10, 4), (0, 0)]


@given(CLAIMS, LIMITS, UNITS, st.randoms())
def test_the_order_of_arrival_changes_nothing(
    claims: list[Claim], limit: int | None, unit: str, dice: random.Random
) -> None:
    shuffled = list(claims)
    dice.shuffle(shuffled)
    assert bill(shuffled, limit, unit) == bill(claims, limit, unit)  # type: ignore[arg-type]


@given(CLAIMS, LIMITS, UNITS)
def test_every_claimed_minute_is_billed_or_over_and_the_limit_holds(
    claims: list[Claim], limit: int | None, unit: str
) -> None:
    billed = bill(claims, limit, unit)  # type: ignore[arg-type]
    claimed = sum(claim.minutes(unit) for claim in claims)  # type: ignore[arg-type,misc]
    assert billed.billable_minutes + billed.over_limit_minutes == claimed
    assert billed.automatic_minutes + billed.manual_minutes == billed.billable_minutes
    if limit is None:
        assert billed.over == ()
    else:
        assert billed.billable_minutes <= limit
        smallest = min((c.minutes(unit) for c in claims if c.key in billed.over), default=None)  # type: ignore[arg-type]
        assert smallest is None or billed.billable_minutes + smallest > limit, (
            "nothing over the limit would have fitted"
        )


@given(CLAIMS, st.integers(0, 300), UNITS)
def test_time_that_is_billed_does_not_hang_on_what_comes_after_it(claims: list[Claim], limit: int, unit: str) -> None:
    ordered = sorted(claims)
    for cut in range(len(ordered)):
        whole, part = bill(ordered, limit, unit), bill(ordered[:cut], limit, unit)  # type: ignore[arg-type]
        early = {claim.key for claim in ordered[:cut]}
        assert [key for key in whole.over if key in early] == list(part.over)


@given(SEGMENTS, st.booleans())
def test_a_slot_is_never_counted_or_billed_beyond_the_clock(segments: list[Recorded], movement: bool) -> None:
    """T-14: a minute counts once, and a contract's ten minutes are billed once."""
    counts = count_slot(segments, movement_counts=movement)
    assert sum(one.figures["office_minutes"] for one in counts.values()) == sum(
        any(one.minutes[index] is not None for one in segments) for index in range(10)
    )
    assert sum(one.exact for one in counts.values()) <= 10
    for contract in "ABC":
        mine = [counts[one.segment_id] for one in segments if one.contract == contract]
        assert sum(one.whole for one in mine) <= 10
        assert (sum(one.whole for one in mine) == 10) == any(one.figures["active_minutes"] for one in mine)
    for one in counts.values():
        assert one.exact <= one.figures["tracked_minutes"]
        if not one.figures["active_minutes"]:
            assert (one.whole, one.exact) == (0, 0), "S-01: no activity, no bill"


@given(SEGMENTS, st.randoms())
def test_counting_does_not_hang_on_the_order(segments: list[Recorded], dice: random.Random) -> None:
    shuffled = list(segments)
    dice.shuffle(shuffled)
    assert count_slot(shuffled) == count_slot(segments)


@pytest.mark.parametrize(
    ("minutes", "over", "manual", "expected"),
    [
        (10, False, False, ("automatic", 10)),
        (10, True, False, ("over_limit", 0)),
        (0, False, False, ("unbilled", 0)),
        (30, False, True, ("manual", 30)),
        (30, True, True, ("over_limit", 0)),
    ],
)
def test_colours(minutes: int, over: bool, manual: bool, expected: tuple[str, int]) -> None:
    """S-02."""
    assert status_of(minutes, over=over, manual=manual) == expected


@pytest.mark.parametrize(
    ("active", "states", "memo", "label", "because"),
    [
        (1, ["stored"], "memo", None, None),
        (1, ["stored"], None, "label", None),
        (1, ["removed"], "memo", None, None),  # M-05: protection survives the picture
        (1, ["pending", "stored"], "memo", None, None),
        (0, ["stored"], "memo", None, "no_activity"),
        (1, [], "memo", None, "no_capture"),
        (1, ["pending"], "memo", None, "capture_pending"),
        (1, ["stored"], None, None, "no_memo"),
        (1, ["stored"], "", "", "no_memo"),
        (1, ["stored"], "  ", "\n", "no_memo"),
    ],
)
def test_protection_and_its_reason(
    active: int, states: list[str], memo: str | None, label: str | None, because: str | None
) -> None:
    """S-09."""
    assert unprotected_because(active, states, memo, label) == because


@given(*[st.integers(0, 10)] * 4)
def test_a_sheet_keeps_its_figures(whole: int, exact: int, tracked: int, active: int) -> None:
    for manual in (0, 1):
        figures = Sheet(whole, exact, tracked, active, manual)
        assert Sheet.unpack(figures.pack()) == figures
        assert figures.pack() < 2**63, "as the store keeps integers"


@given(st.lists(st.tuples(*[st.integers(0, 10)] * 4, st.integers(0, 1)), max_size=1500))
def test_sheets_add_up_packed(sheets: list[tuple[int, int, int, int, int]]) -> None:
    """A week has at most 1014 slots, and each minute of two devices counts once."""
    packed = sum(Sheet(*one).pack() for one in sheets)
    assert Sheet.unpack(packed) == tuple(map(sum, zip((0,) * 5, *sheets, strict=True)))


@pytest.mark.parametrize("count", [3276, 3277, 26_000])
def test_late_time_of_half_a_year_adds_up_in_one_week(count: int) -> None:
    """S-03: more than a packed sum has room for, where a computer comes back whose weeks are sealed by another's."""
    sheet = {f"{number:020}|dev": Sheet(10, 10, 10, 9).pack() for number in range(count)}
    rolled = roll_up("con", sheet, None, "segment")
    assert [rolled[f"{name}_minutes"] for name in ("billable", "tracked", "active")] == [
        count * minutes for minutes in (10, 10, 9)
    ]


@given(CLAIMS, LIMITS, UNITS)
def test_a_rollup_bills_as_its_claims(claims: list[Claim], limit: int | None, unit: str) -> None:
    """Putting a week together from its packed sheet gives the bill of its claims, also where nothing is over."""
    keyed = [claim._replace(key=f"con:{claim.key}:{claim.at}") for claim in claims]
    sheet = {
        f"{one.at}|{claim.key}": Sheet(one.whole, one.exact, 10, 5, int(one.manual)).pack()
        for one, claim in zip(keyed, claims, strict=True)
    }
    rolled = roll_up("con", sheet, limit, unit)  # type: ignore[arg-type]
    billed = bill(keyed, limit, unit)  # type: ignore[arg-type]
    assert rolled["billable_minutes"] == billed.billable_minutes
    assert rolled["manual_minutes"] == billed.manual_minutes
    assert rolled["over_limit_minutes"] == billed.over_limit_minutes
    assert rolled["over"] == list(billed.over)


def test_a_week_adds_up_to_its_days() -> None:
    """S-10: in the billing zone, a slot on the day its start falls in."""

    sheet = {
        "2026-11-15T23:00:00Z|dev": Sheet(10, 7, 8, 7).pack(),  # Monday 00:00 in Berlin
        "2026-11-16T22:50:00Z|dev": Sheet(10, 10, 10, 10).pack(),
        "2026-11-16T23:00:00Z|dev": Sheet(10, 5, 5, 5).pack(),  # Tuesday
    }
    rolled = roll_up("con", sheet, 20, "segment")
    assert rolled["over"] == ["con:dev:2026-11-16T23:00:00Z"]
    days = days_of(sheet, frozenset(rolled["over"]), "con", "segment", date(2026, 11, 16), ZoneInfo("Europe/Berlin"))
    assert [(one["billable_minutes"], one["over_limit_minutes"]) for one in days] == [(20, 0), (0, 10)] + [(0, 0)] * 5
    assert sum(one["tracked_minutes"] for one in days) == rolled["tracked_minutes"] == 23


def test_a_week_locks_by_the_clock() -> None:
    """S-06: Monday 12:00 in the billing zone, also across a clock change."""

    zone = ZoneInfo("America/New_York")
    lock = locks_at(date(2026, 10, 26), zone, 12)
    assert lock == datetime(2026, 11, 2, 17, tzinfo=UTC), "clocks went back on Sunday"
    assert state_of(date(2026, 10, 26), zone, 12, lock - timedelta(seconds=1)) == "open"
    assert state_of(date(2026, 10, 26), zone, 12, lock) == "locked"


@pytest.mark.parametrize(
    ("minutes", "rate", "amount"), [(1710, 6400, 182400), (350, 6400, 37333), (1, 30, 1), (0, 9, 0)]
)
def test_an_amount_is_minutes_at_a_rate_an_hour_half_up(minutes: int, rate: int, amount: int) -> None:
    """S-03: integer minor units."""
    assert amount_minor(minutes, rate) == amount


@given(st.integers(0, 10_080), st.integers(0, 2**31 - 1))
def test_an_amount_is_never_off_by_more_than_half_a_minor_unit(minutes: int, rate: int) -> None:
    assert abs(2 * 60 * amount_minor(minutes, rate) - 2 * minutes * rate) <= 60


@given(st.lists(st.integers(0, 600), max_size=30), st.integers(0, 100_000))
def test_the_money_of_lines_is_that_of_the_whole(lines: list[int], rate: int) -> None:
    """Rounded once: lines that add up to the week's minutes add up to its amount."""
    amounts = line_amounts(lines, rate)
    assert len(amounts) == len(lines)
    assert sum(amounts) == amount_minor(sum(lines), rate)
    assert all(abs(60 * amount - minutes * rate) <= 60 for amount, minutes in zip(amounts, lines, strict=True))


def test_manual_time_takes_what_nothing_recorded_has() -> None:
    """S-05: automatic time that arrives later takes the minute, and a contract's ten minutes are billed once."""
    work, entered = [1, 0, 0, 0, "work", None], [0, 0, 0, 0, "work", None]
    manual = Recorded("A:e:s", "A", "e", "manual", "2026-11-16T07:00:00Z", [entered] * 8 + [None] * 2)
    device = Recorded("A:x:s", "A", "x", "mobile", "2026-11-16T08:00:00Z", [work] * 3 + [None] * 7)
    alone, both = count_slot([manual]), count_slot([manual, device])
    assert (alone["A:e:s"].whole, alone["A:e:s"].exact) == (8, 8)
    assert (both["A:e:s"].whole, both["A:e:s"].exact) == (0, 5)
    assert (both["A:x:s"].whole, both["A:x:s"].exact) == (10, 3)
    assert both["A:e:s"].figures["office_minutes"] == 5
    assert both["A:e:s"].figures["tracked_minutes"] == both["A:e:s"].figures["active_minutes"] == 0
    elsewhere = count_slot([manual, device._replace(segment_id="B:x:s", contract="B")])
    assert elsewhere["A:e:s"].whole == 5, "on another contract what is left of it is billed"


@pytest.mark.parametrize("kind", ["break", "private"])
def test_manual_breaks_are_office_time_and_never_billed(kind: str) -> None:
    entered = [[0, 0, 0, 0, kind, None]] * 10
    found = count_slot([Recorded("A:e:s", "A", "e", "manual", "2026-11-16T07:00:00Z", entered)])["A:e:s"]
    assert (found.whole, found.exact) == (0, 0)
    assert (found.figures["office_minutes"], found.figures["work_minutes"]) == (10, 0)


def test_what_is_sealed_keeps_what_it_counted() -> None:
    """A device that started earlier but came after the seal takes no minute from it."""
    work = [[1, 0, 0, 0, "work", None]] * 10
    sealed = Recorded("A:x:s", "A", "x", "mobile", "2026-11-16T08:00:00Z", work, sealed=True)
    late = Recorded("A:w:s", "A", "w", "desktop", "2026-11-16T07:00:00Z", work)
    found = count_slot([late, sealed])
    assert (found["A:x:s"].whole, found["A:w:s"].whole) == (10, 0)


@given(CLAIMS, LIMITS, UNITS, st.lists(st.integers(0, 24 * 60), min_size=2, max_size=2))
def test_outside_its_term_a_contract_bills_nothing(
    claims: list[Claim], limit: int | None, unit: str, bounds: list[int]
) -> None:
    """S-03: the bill is that of the claims within the term alone."""
    day = datetime(2026, 11, 16, tzinfo=UTC)
    start, end = (format_instant(day + timedelta(minutes=minutes)) for minutes in sorted(bounds))
    for term in (Term(start, None), Term(None, end), Term(start, end)):
        within = [one for one in claims if (term.runs_from or "") <= one.at < (term.runs_until or "9")]
        assert bill(claims, limit, unit, term=term) == bill(within, limit, unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "Europe/Berlin"])
def test_a_term_is_days_of_the_billing_zone(zone: str) -> None:
    """A slot belongs to the day its start falls in; the calendar's ends are no bounds."""
    where = ZoneInfo(zone)
    term = term_of("2026-03-29", "2026-03-30", where)
    for slot in slots_between(datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)):
        assert term.holds(format_instant(slot)) == ("2026-03-29" <= str(day_of(slot, where)) <= "2026-03-30")
    assert term_of("0001-01-01", "9999-12-31", where).holds("2026-03-29T00:00:00Z")
    assert term_of(None, None, where) == ALWAYS


def test_only_hourly_contracts_bill() -> None:
    assert bill([_claim(9), _claim(10, manual=True)], None, "segment", hourly=False) == NOTHING
