"""The watermark says exactly what is safe, in whatever order it became so."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.watermark import MAX_RANGES, MAX_TOLD, Mark, advance, keep, receipt

SEQS = st.sets(st.integers(1, 60), max_size=50)


def members(mark: Mark) -> set[int]:
    return {seq for seq in range(1, 5000) if seq in mark}


@given(st.lists(SEQS, max_size=6))
def test_it_is_the_union_whatever_the_order(batches: list[set[int]]) -> None:
    """S-11, T-10: late, doubled and shuffled batches give the same mark."""
    there, back = Mark(), Mark()
    for batch in batches:
        there = advance(there, batch)
    for batch in reversed(batches):
        back = advance(advance(back, batch), batch)
    everything = set().union(*batches)
    assert there == back
    assert members(there) == everything
    assert there.total() == len(everything)


@given(SEQS)
def test_through_is_the_last_before_the_first_gap(seqs: set[int]) -> None:
    mark = advance(Mark(), seqs)
    assert set(range(1, mark.through + 1)) <= seqs
    assert mark.through + 1 not in seqs
    flat = [edge for first, last in mark.above for edge in (first - 1, last + 1)]
    assert all(edge not in seqs for edge in flat)


@given(SEQS, SEQS)
def test_what_a_store_has_lost_is_taken_back(safe: set[int], present: set[int]) -> None:
    """A restored server never promises what it does not have."""
    assert members(keep(advance(Mark(), safe), present)) == safe & present


def test_quarantined_seqs_are_safe_and_named_until_admitted() -> None:
    mark = advance(Mark(), {1, 2}, {3: "unknown_contract", 2: "conflict"})
    assert mark == Mark(3, (), ((2, "conflict"), (3, "unknown_contract")))
    assert advance(mark, {3, 2}).quarantined == ((2, "conflict"),)


def test_what_a_device_can_make_it_remember_is_bounded() -> None:
    """What is forgotten is not promised, so the agent sends it again."""
    mark = advance(Mark(), set(range(2, 4 * MAX_RANGES, 2)), dict.fromkeys(range(1, 9999, 2), "invalid"))
    assert len(mark.above) <= MAX_RANGES
    assert len(mark.quarantined) == MAX_TOLD
    odd = advance(Mark(), set(range(3, 4 * MAX_RANGES, 2)))
    assert len(odd.above) == MAX_RANGES
    assert members(odd) < set(range(3, 4 * MAX_RANGES, 2))
    assert len(receipt(odd, "ledger", "ws", "dev", "now")["above"]) == MAX_TOLD
