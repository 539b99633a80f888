"""In which language Daybook speaks (W-06). Texts are written in English, marked by ``_``, and said in the reader's.

Programs, logs, the API and what is signed speak English; a page, a mail and the agent speak the language that their
reader chose: ``speak`` sets it for whatever runs in this context. A text remembers how it was made, so that one which
another service said in English can be said again (``again``). Catalogues are gettext's, under ``locale/``; decision
0016 says how one is added. Standard library only.

Placeholders are named: ``_("{count} of {all} seats", count=3, all=10)``. Every first argument is a literal: programs
that collect texts read the source.
"""

import gettext as _gettext
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "daybook"


class Language(NamedTuple):
    """A language as it calls itself, and how it writes numbers."""

    name: str
    thousands: str
    decimal: str


Code = Literal["en", "de"]
#: All that Daybook speaks, by their codes (BCP 47); the first is the one that its texts are written in.
LANGUAGES: Mapping[str, Language] = {
    "en": Language("English", ",", "."),
    "de": Language("Deutsch", ".", ","),
}
ENGLISH = "en"
assert tuple(LANGUAGES) == get_args(Code)

_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


class Said(str):
    """A text in some language, with the message that it was made of and the values that were put into it."""

    __slots__ = ("message", "others", "values")
    message: str
    others: tuple[str, int] | None
    values: Mapping[str, Any]

    def __new__(
        cls, text: str, message: str, values: Mapping[str, Any], others: tuple[str, int] | None = None
    ) -> "Said":
        """``others`` are the plural's message and the number it goes by."""
        made = super().__new__(cls, text)
        made.message, made.values, made.others = message, values, others
        return made


def gettext(message: str, /, **values: Any) -> str:
    """The message in the language that is spoken, with its values in their places; short: ``_``."""
    return Said(_filled(catalogue(_spoken.get()).gettext(message), values), message, values)


def ngettext(one: str, many: str, number: int, /, **values: Any) -> str:
    """As ``gettext``, in the form that the number asks for; it stands at ``{number}``."""
    given = {"number": number, **values}
    text = catalogue(_spoken.get()).ngettext(one, many, number)
    return Said(_filled(text, given), one, given, (many, number))


def pgettext(context: str, message: str, /, **values: Any) -> str:
    """As ``gettext``, of a word that means several things: ``context`` says which."""
    return _filled(catalogue(_spoken.get()).pgettext(context, message), values)


def N_(message: str) -> str:
    """Marks a message that is said later, by ``again``: a line of a table, say."""
    return message


def again(text: str) -> str:
    """What another service said, or what a table holds, in the language that is spoken; unknown words as they are."""
    if not text:
        return text
    if not isinstance(text, Said):
        return Said(catalogue(_spoken.get()).gettext(text), text, {})
    values = {name: again(value) if isinstance(value, Said) else value for name, value in text.values.items()}
    if text.others:
        return ngettext(text.message, *text.others, **{n: v for n, v in values.items() if n != "number"})
    return gettext(text.message, **values)


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """Fills names and nothing else: no attribute or item of a value can be asked for by a catalogue."""
    if not values:
        return text
    return "".join([plain if name is None else f"{plain}{values[name]}" for plain, name in _parts(text)])


@cache
def _parts(text: str) -> list[tuple[str, str | None]]:
    """A message cut before its names, which are cut anew a hundred times a page otherwise."""
    return [(plain, name) for plain, name, _spec, _conversion in string.Formatter().parse(text)]


@cache
def catalogue(language: str) -> _gettext.NullTranslations:
    """The messages of a language; English ones are the messages themselves."""
    if language == ENGLISH:
        return _gettext.NullTranslations()
    return _gettext.translation(DOMAIN, LOCALE, [language])


def spoken() -> str:
    """The code of the language that is spoken here."""
    return _spoken.get()


def speak(language: str | None) -> None:
    """From here on, in this context (a request, a task), this language is spoken; English where it is none of ours."""
    _spoken.set(known(language))


def known(language: str | None) -> str:
    """The language where it is one of ours, else English."""
    return language if language and language in LANGUAGES else ENGLISH


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """As ``speak``, for a while."""
    token = _spoken.set(known(language))
    try:
        yield
    finally:
        _spoken.reset(token)


def accepted(header: str) -> str:
    """The first of our languages that a browser asks for (``Accept-Language``), by its weights; else English."""
    asked = [one.strip().partition(";") for one in header[:500].lower().split(",")]
    ranked = sorted(((_weight(rest), -place, tag) for place, (tag, _, rest) in enumerate(asked)), reverse=True)
    codes = (tag.strip().partition("-")[0] for weight, _, tag in ranked if weight > 0)
    return next((code for code in codes if code in LANGUAGES), ENGLISH)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def number(value: int | float, places: int = 0) -> str:
    """A number as the language writes it: ``1,920.50``, ``1.920,50``."""
    thousands, decimal = LANGUAGES[_spoken.get()][1:]
    whole, _, rest = f"{value:,.{places}f}".partition(".")
    return whole.replace(",", thousands) + (decimal + rest if rest else "")


_ = gettext


def as_told(text: str) -> dict[str, Any] | str:
    """A text as it crosses the bus, so that it can be said again there: ``{"message", "values"}``."""
    if not isinstance(text, Said):
        return text
    values = {name: as_told(value) if isinstance(value, str) else value for name, value in text.values.items()}
    told: dict[str, Any] = {"message": text.message, "values": values}
    return told | ({"others": list(text.others)} if text.others else {})


def as_heard(told: Any) -> str:
    """The text of ``as_told``, in the language that is spoken here."""
    if not isinstance(told, dict):
        return str(told)
    values = {str(name): as_heard(one) if isinstance(one, dict) else one for name, one in told["values"].items()}
    if others := told.get("others"):
        return ngettext(told["message"], others[0], others[1], **{n: v for n, v in values.items() if n != "number"})
    return gettext(told["message"], **values)


def decimal_point() -> str:
    """What stands before the decimals of a number."""
    return LANGUAGES[_spoken.get()].decimal
