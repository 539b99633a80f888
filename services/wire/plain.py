"""Text that people write, as it may be shown and filed: without control characters but tabs and line ends. Pure.

What a computer recorded is kept as it was signed, and shown without them; what somebody sends is refused with them.
"""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def is_plain(text: str) -> bool:
    """Whether no control character is in it."""
    return not _CONTROLS.search(text)


def as_plain(text: str | None) -> str | None:
    """The text without its control characters; None where nothing is left to read, as of a blank one (S-09)."""
    return (_CONTROLS.sub("", text) or None) if text is not None else None
