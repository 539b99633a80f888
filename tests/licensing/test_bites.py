"""Work on very many, cut into bites (L-04)."""

from hypothesis import given
from hypothesis import strategies as st

from services.licensing.bites import Span, spans

ids = st.text("abc", max_size=4)


@given(st.sets(ids), st.integers(1, 5), ids)
def test_whoever_is_there_or_comes_later_is_in_one_bite(known: set[str], size: int, later: str) -> None:
    parts = spans(sorted(known - {""}), size)
    for id in (known | {later}) - {""}:
        assert sum(part.of([id]) == [id] for part in parts) == 1
    assert all(len(part.of(sorted(known - {""}))) <= size for part in parts)


@given(st.lists(ids, min_size=1, unique=True), ids, st.none() | ids)
def test_a_span_finds_by_its_condition_what_it_says(known: list[str], after: str, through: str | None) -> None:
    span, bounds = Span(after, through), Span(after, through).where()
    found = [id for id in known if bounds["$gt"] < id and ("$lte" not in bounds or id <= bounds["$lte"])]
    assert span.of(known) == found


def test_bites_of_a_part_stay_in_it() -> None:
    assert spans(["c", "d", "e"], 2, "b", "f") == [("b", "d"), ("d", "f")]
    assert spans([], 2) == [("", None)]
