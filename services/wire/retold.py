"""What was stored in English, said again in the reader's language (W-06). Pure, standard library only.

What is kept for ever is kept in one language, so that nobody has to guess later which one was spoken then. Whoever
shows it knows the messages that it may have been made of, and finds out which one it was.
"""

import re
from collections.abc import Iterable
from functools import cache

from services.wire.language import Said, again

_HOLE = re.compile(r"\{(\w+)\}")


def retold(text: str, messages: Iterable[str]) -> str:
    """The text in the language that is spoken, where it is one of these messages with its values; else as it is."""
    for message in messages:
        if found := _pattern(message).fullmatch(text):
            return again(Said(text, message, found.groupdict()))
    return text


@cache
def _pattern(message: str) -> re.Pattern[str]:
    """Finds the values in a text that was made of a message."""
    parts = _HOLE.split(message)  # what stands between the holes, and their names, by turns
    return re.compile(
        "".join(f"(?P<{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)), re.DOTALL
    )
