"""Lists on pages: narrowed by a few words, and in pages of fifty. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from services.wire.language import _
from services.wire.language import number as written

PER_PAGE = 50
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters that are no letter with an accent, and stand beside one all the same."""


class Page(NamedTuple):
    """One page of a list; ``previous`` and ``following`` are addresses or None, ``words`` say ``51–100 of 340``."""

    items: Sequence[Any]
    total: int
    words: str
    previous: str | None
    following: str | None


def page_of(items: Sequence[Any], number: int, path: str, query: Mapping[str, str], per: int = PER_PAGE) -> Page:
    """The page with a number, from 1; one beyond the end is the last. ``query`` are the filters to keep."""
    last = max(1, -(-len(items) // per))
    number = min(max(number, 1), last)
    start = (number - 1) * per
    shown = items[start : start + per]
    if not items:
        words = _("none")
    elif len(items) <= per:
        words = _("{count} of {total}", count=written(len(items)), total=written(len(items)))
    else:
        words = _("{first}–{last} of {total}", first=start + 1, last=start + len(shown), total=written(len(items)))

    def address(to: int) -> str:
        return address_of(path, {**query, "page": str(to) if to > 1 else ""})

    return Page(
        shown,
        len(items),
        words,
        address(number - 1) if number > 1 else None,
        address(number + 1) if number < last else None,
    )


def address_of(path: str, query: Mapping[str, str]) -> str:
    """A path with the parts of a query that say something."""
    said = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(said)}" if said else path


def folded(text: str) -> str:
    """A text without case and accents, to find and order by: ``lukasz`` of ``Łukasz``."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(one for one in apart if not unicodedata.combining(one))


def search(items: Iterable[Mapping[str, Any]], words: str, fields: Sequence[str]) -> list[Mapping[str, Any]]:
    """The items in whose fields all of the words occur, whatever their case and accents."""
    wanted = folded(words).split()

    def holds(item: Mapping[str, Any]) -> bool:
        text = folded(" ".join(str(item.get(name) or "") for name in fields))
        return all(word in text for word in wanted)

    return [item for item in items if holds(item)]


def initials(name: str) -> str:
    """Two letters that stand for a name: ``MS`` of Mira Solberg."""
    words = [word for word in name.split() if word[0].isalnum()] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
