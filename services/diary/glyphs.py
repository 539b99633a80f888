"""Fonts for a PDF of whatever people are called and write: Latin, Greek, Cyrillic, Chinese, Japanese, Korean, Arabic.

Each character is set in the first font that has it; of each font only the characters in use are embedded, so a page
stays small. Arabic letters are joined, and written from right to left; where such words do not fit in one line, the
lines follow one another from the end. A character that no font has (Hebrew, Indic and South-East Asian scripts, emoji)
is a question mark, and whole in the HTML.
"""

import itertools
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files

from arabic_reshaper import reshape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

_RIGHT_TO_LEFT = (("\u0600", "\u06ff"), ("\u0750", "\u077f"), ("\ufb50", "\ufdff"), ("\ufe70", "\ufeff"))
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_OTHERS = {  # in this order; each is read from its package when it is needed first
    "Daybook-Sans": ("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "Daybook-Arabic": ("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    "Daybook-East-Asian": ("paperang_p2_fonts_cjk", "fonts/wqy-microhei.ttc"),
}
_OWN = {"Daybook": "Vera.ttf", "Daybook-Bold": "VeraBd.ttf"}


@cache
def font(name: str) -> TTFont:
    """A font by its name here, known to reportlab from now on."""
    if name in _OWN:
        made = TTFont(name, _OWN[name])
    else:
        package, place = _OTHERS[name]
        with as_file(files(package) / place) as path:
            made = TTFont(name, str(path))
    pdfmetrics.registerFont(made)
    return made


def runs(words: str, own: str) -> Iterator[tuple[str, str]]:
    """The words as (font, text) in the order they are drawn; ``own`` is the font for what it has."""
    placed = ((_font_of(one, own), one) for one in visual(words))
    for name, group in itertools.groupby(placed, lambda one: one[0]):
        yield name or own, "".join(one if name else "?" for _, one in group)


@cache
def _font_of(character: str, own: str) -> str | None:
    return next((name for name in (own, *_OTHERS) if ord(character) in font(name).face.charToGlyph), None)


def visual(words: str) -> str:
    """The words in the order they are drawn: Arabic ones joined, and from right to left."""
    if not any(map(_is_right_to_left, words)):
        return words
    drawn: list[str] = []
    for turned, group in itertools.groupby(reshape(words).split(" "), lambda word: any(map(_is_right_to_left, word))):
        own = list(group)
        drawn += [_turned(word) for word in reversed(own)] if turned else own
    return " ".join(drawn)


def _turned(word: str) -> str:
    """A word from its end, but for the numbers and Latin letters in it."""
    parts = ["".join(group) for _, group in itertools.groupby(word, lambda one: one.isascii() and one.isalnum())]
    backwards = (part if part.isascii() and part.isalnum() else part[::-1] for part in reversed(parts))
    return "".join(backwards).translate(_MIRRORED)


def _is_right_to_left(character: str) -> bool:
    return any(first <= character <= last for first, last in _RIGHT_TO_LEFT)
