"""What a licence allows at a moment (L-04, L-05; fine-print.md, *Records*)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.standing import MOVES, Forbidden, Right, move, renew, revoke, seat

START = datetime(2026, 11, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 200).map(lambda hours: START + timedelta(hours=hours))
MAYBE = st.none() | MOMENTS
DRAINS = st.integers(0, 100)
STATES = st.sampled_from(["issued", "active", "suspended"])


@st.composite
def rights(draw: st.DrawFn) -> Right:
    return renew(Right(draw(STATES)), draw(MAYBE), draw(MAYBE), draw(st.integers(0, 5)))


@given(rights(), MOMENTS)
def test_all_is_allowed_only_within_the_span(right: Right, now: datetime) -> None:
    """L-05: never before it begins, never from its end on, never while suspended."""
    state, admits, until = right.at(now)
    if admits == "all":
        assert state in ("issued", "active")
        assert right.not_before is None or right.not_before <= now
        assert right.expires is None or now < right.expires
        assert until == right.expires


@given(rights(), MOMENTS, DRAINS, MOMENTS)
def test_a_revoked_right_drains_for_its_hours_and_is_over(
    right: Right, at: datetime, hours: int, now: datetime
) -> None:
    """With 0 hours it is refused at once; it never allows all again."""
    revoked = revoke(right, at, hours)
    end = at + timedelta(hours=hours)
    assert revoked.at(now).admits == ("drain" if now < end else "nothing")


@given(rights(), MOMENTS, DRAINS, MOMENTS, DRAINS)
def test_revoking_again_never_lengthens(right: Right, at: datetime, first: int, then: datetime, second: int) -> None:
    once = revoke(right, at, first)
    twice = revoke(once, then, second)
    assert twice.revoked_at == at
    assert once.drain_until is not None
    assert twice.drain_until is not None
    assert twice.drain_until <= once.drain_until


@given(rights(), MOMENTS)
def test_what_was_signed_in_time_may_arrive_late(right: Right, now: datetime) -> None:
    """T-10: for the policy's grace days after its end an expired licence still drains."""
    if right.expires is None or right.late_until is None or now < right.expires:
        return
    if right.not_before is not None and now < right.not_before:
        return
    assert right.at(now).admits == ("drain" if now < right.late_until else "nothing")


@given(rights(), MOMENTS)
def test_a_right_comes_back_from_the_store_as_it_was(right: Right, now: datetime) -> None:
    assert Right.of(right.stored()) == right
    assert Right.of(right.stored()).at(now) == right.at(now)


@given(rights(), MOMENTS)
def test_nothing_changes_before_until(right: Right, now: datetime) -> None:
    """A bus user made now and valid until then never outlives what it was made for."""
    state, admits, until = right.at(now)
    if until is not None:
        assert until > now
        assert right.at(until - timedelta(microseconds=1))[:2] == (state, admits)


STORED = ("draft", "issued", "active", "suspended", "revoked")
WISHES = ("issued", "active", "suspended", "revoked")


@pytest.mark.parametrize("state", STORED)
@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("taken", [False, True])
def test_the_table_alone_says_where_a_licence_may_go(state: str, wish: str, taken: bool) -> None:
    """L-04: what is not in the table is refused, the same wish again changes nothing, and revoked is the end."""
    again = wish == state or (wish == "active" and state == "issued" and not taken)
    if wish not in MOVES[state] and not again:  # type: ignore[index]
        with pytest.raises(Forbidden):
            move(state, wish, taken=taken)  # type: ignore[arg-type]
        return
    after = move(state, wish, taken=taken)  # type: ignore[arg-type]
    expected = state if again else "issued" if wish == "active" and not taken else wish
    assert after == expected
    assert MOVES["revoked"] == frozenset()


@given(st.lists(st.sampled_from(WISHES), max_size=12), st.booleans())
def test_no_way_leads_out_of_revoked_or_back_to_a_draft(wishes: list[str], taken: bool) -> None:
    state, been = "draft", ["draft"]
    for wish in wishes:
        try:
            state = move(state, wish, taken=taken)  # type: ignore[arg-type]
        except Forbidden:
            continue
        been.append(state)
    assert "draft" not in been[been.index("draft") + 1 :]
    assert set(been[been.index("revoked") :]) == {"revoked"} if "revoked" in been else True
    assert "active" not in been or taken


def test_a_draft_and_what_is_archived_record_nothing() -> None:
    """W-02: as suspended: it may deliver, and hears at once when it may go on."""
    assert Right("draft").at(START) == ("draft", "nothing", None)
    assert Right("active", archived=True).at(START) == ("suspended", "drain", None)
    assert Right("revoked", archived=True).at(START).state == "revoked"


@given(st.none() | st.integers(0, 100), st.integers(0, 60), st.booleans())
def test_a_seat_by_when_it_was_heard_of(days: int | None, grace: int, released: bool) -> None:
    """L-04: reserved, active, in its grace, stale; nothing but a release frees it."""
    heard = None if days is None else START - timedelta(days=days)
    state = seat(released, heard, grace, START)
    if released or days is None:
        assert state == ("released" if released else "reserved")
    else:
        assert state == ("active" if days <= 1 else "grace" if days <= grace else "stale")
