"""Entries that hang together by hashes: each carries the hash of the one before it, so that one that was altered, taken
out or put in later shows (G-02). Pure: licensing chains its log as it writes it, the diary shortly after.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

GENESIS = "0" * 64


def digest(entry: Mapping[str, Any], names: Sequence[str]) -> str:
    """Lower-case hex SHA-256 of what an entry has by these names, among them ``seq`` and ``prev``: its place.

    What is not there counts as null.
    """
    text = json.dumps([entry.get(name) for name in names], ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class Chain:
    """Goes along a whole chain, in the order of ``seq`` from 1, and notes the places at which it does not hold."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.entries, self.seq, self.head, self.broken = 0, 0, GENESIS, list[Any]()

    def add(self, entry: Mapping[str, Any]) -> None:
        """The next entry."""
        seq, own = entry.get("seq"), entry.get("hash")
        if (seq, entry.get("prev")) != (self.seq + 1, self.head) or digest(entry, self._names) != own:
            self.broken.append(seq)
        self.entries += 1
        self.seq, self.head = (seq if isinstance(seq, int) else self.seq + 1), str(own)
