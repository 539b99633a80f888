"""What people, teams, policies, computers … are called: one line that somebody can read."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from services.wire.language import N_

# Controls and line breaks end up in mails' headers and in tables; marks of direction make a name read as another one.
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """The text; ValueError where it holds what cannot be shown in a line, or turns the direction of reading."""
    if any(unicodedata.category(letter) in _REFUSED or letter in _TURNING for letter in text):
        raise ValueError(N_("one line, without control characters"))
    return text


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(one_line)]
"""1 to 100 characters, without what is blank before and after."""
