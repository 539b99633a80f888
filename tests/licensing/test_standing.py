"""What a licence allows at a moment (L-04, L-05; fine-print.md, *Records*)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.licensing.standing import Right, renew, revoke

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
