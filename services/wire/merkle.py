"""Merkle trees as RFC 6962 has them: one hash that stands for a list, and short proofs that something is in it (B-01).

Leaves are bytes; what is hashed for a leaf and for a node begins with another byte, so that neither passes for the
other.
"""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(leaf: bytes) -> bytes:
    """The 32 bytes that stand for one leaf."""
    return sha256(b"\0" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below ``count`` (at least 2): how many leaves go to the left."""
    return 1 << (count - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """The 32-byte root of a list of leaves; of none, the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = _split(len(leaves))
    return _node(root(leaves[:split]), root(leaves[split:]))


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that ``leaves[index]`` is in the tree: the hashes beside its way up, the lowest first."""
    if not 0 <= index < len(leaves):
        raise IndexError("no such leaf")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*path(leaves[:split], index), root(leaves[split:])]
    return [*path(leaves[split:], index - split), root(leaves[:split])]


def holds(leaf: bytes, index: int, count: int, beside: Sequence[bytes], expected: bytes) -> bool:
    """Whether ``beside`` proves that ``leaf`` is number ``index`` of the ``count`` leaves under that root."""
    if not 0 <= index < count:
        return False
    place, last, found = index, count - 1, leaf_hash(leaf)
    for one in beside:
        if not last:
            return False
        if place & 1 or place == last:
            found = _node(one, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, one)
        place, last = place >> 1, last >> 1
    return not last and found == expected
