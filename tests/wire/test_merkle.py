"""Merkle trees as RFC 6962 has them (B-01)."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import merkle

# the vectors of the Certificate Transparency project
LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SOME = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def test_of_nothing_the_root_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == sha256(b"").digest()


@pytest.mark.parametrize("count", range(1, 9))
def test_the_known_roots(count: int) -> None:
    assert merkle.root(LEAVES[:count]).hex() == ROOTS[count - 1]


@given(SOME, st.data())
def test_every_leaf_is_proved_in_its_place_and_in_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, beside = merkle.root(leaves), merkle.path(leaves, index)
    assert len(beside) <= (len(leaves) - 1).bit_length()
    assert merkle.holds(leaves[index], index, len(leaves), beside, root)
    assert not merkle.holds(leaves[index] + b"x", index, len(leaves), beside, root)
    assert not merkle.holds(leaves[index], index, len(leaves), [*beside, root], root)
    other = data.draw(st.integers(0, len(leaves) - 1))
    if leaves[other] != leaves[index]:
        assert not merkle.holds(leaves[other], index, len(leaves), beside, root)


@given(SOME, st.data())
def test_whatever_is_changed_changes_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root = merkle.root(leaves)
    assert merkle.root([*leaves[:index], leaves[index] + b"x", *leaves[index + 1 :]]) != root
    assert merkle.root(leaves[:index] + leaves[index + 1 :]) != root
    assert merkle.root([*leaves, leaves[index]]) != root


def test_a_node_never_passes_for_a_leaf() -> None:
    left, right = (merkle.leaf_hash(one) for one in (b"a", b"b"))
    assert merkle.root([left + right]) != merkle.root([b"a", b"b"])


@pytest.mark.parametrize("index", [-1, 2])
def test_there_is_no_proof_of_what_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.path([b"a", b"b"], index)
    assert not merkle.holds(b"a", index, 2, [], merkle.root([b"a", b"b"]))
