"""Sentences that services wrote into their records, in English, as the reader's language says them (W-06). Pure.

A record is kept in the words it was written in, once for all who read it. What it says is known: each sentence is one
of a list of messages, whose values are found where the message has them.
"""

import re
import string
from collections.abc import Sequence
from functools import cache

from services.wire.language import Said, again


def kept(words: str, messages: Sequence[str]) -> str:
    """The words in the language that is spoken, where they are one of these messages; else as they are."""
    for message in messages:
        if found := _pattern(message).fullmatch(words):
            return again(Said(words, message, found.groupdict()))
    return words


@cache
def _pattern(message: str) -> re.Pattern[str]:
    """The message, with any value in its places."""
    parts = (
        re.escape(text) + (f"(?P<{name}>.+?)" if name else "") for text, name, _, _ in string.Formatter().parse(message)
    )
    return re.compile("".join(parts), re.DOTALL)
