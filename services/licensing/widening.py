"""What a policy records more than another did, in words, and what of it is to wait for a notice. Pure (G-01)."""

from typing import Any

from services.licensing.policies import Policy
from services.wire import widening
from services.wire.widening import Dump


def widened(before: Dump | None, after: Dump) -> list[str]:
    """The kinds (fields of a policy) that record more after than before; None: nothing was recorded before."""
    return widening.widened(before or Policy().model_dump(), after)


def held_back(effective: Dump, after: Dump) -> dict[str, Any]:
    """The fields that stay as they are in effect on a device until its notice arrived there."""
    return {kind: effective[kind] for kind in widened(effective, after)}


def in_words(kinds: list[str], after: Dump) -> list[str]:
    """Each of the kinds as its member reads it, in the language that is spoken."""
    return widening.in_words(kinds, after)
