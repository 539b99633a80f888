"""Pictures of what is on a demo person's screen: drawn once for each window, and kept in the data folder.

``python -m deploy.local.screens FOLDER`` draws those that are missing.
"""

import functools
import hashlib
import io
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from deploy.local import company
from deploy.local.desk import BREAK, CALL, Use

SIZE = (1280, 800)
THUMBNAIL_WIDTH = 320
_BLUR = 12
_TOP = 64
_INK, _PAPER, _GREY, _LINE = "#22262e", "#ffffff", "#8a919e", "#d9dde3"
_ACCENTS = ("#2f6fde", "#1f9d6b", "#c2562d", "#7a4fc4", "#b3446c", "#20808d")
_TEXT = (
    "booking guest room night arrival total open paid note draft colour line page week plan client harbour spring "
    "poster margin receipt balance account quarter amount rate tax ledger review request change test result"
)
_WORDS = _TEXT.split()


@dataclass(frozen=True)
class Picture:
    """A screen as an agent would send it: WebP bytes with their thumbnail."""

    data: bytes
    thumbnail: bytes
    width: int
    height: int

    @functools.cached_property
    def sha256(self) -> str:
        """Of the picture's bytes, hex."""
        return hashlib.sha256(self.data).hexdigest()


Draw = ImageDraw.ImageDraw


# Loading the font costs more than drawing a line with it.
_font = functools.cache(ImageFont.load_default)


@functools.cache
def _word(word: str, size: int) -> tuple[Image.Image, float]:
    """A word as a mask, and how far it is to the next one; the screens say the same few words again and again."""
    font = _font(size)
    _, _, right, bottom = font.getbbox(word)
    mask = Image.new("L", (int(right) + 1, int(bottom) + 1))
    ImageDraw.Draw(mask).text((0, 0), word, fill=255, font=font)
    return mask, font.getlength(f"{word} ")


def _text(draw: Draw, at: tuple[float, float], text: str, size: int = 15, fill: str = _INK) -> None:
    x, y = at
    for word in text.split(" "):
        mask, width = _word(word, size)
        draw.bitmap((round(x), round(y)), mask, fill=fill)
        x += width


def _words(random: Random, count: int) -> str:
    return " ".join(random.choice(_WORDS) for _ in range(count))


def _editor(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, *SIZE), fill="#1e222a")
    draw.rectangle((0, _TOP, 230, SIZE[1]), fill="#181b21")
    for row in range(18):
        _text(draw, (18 + 14 * (row % 3 > 0), _TOP + 16 + row * 26), f"{random.choice(_WORDS)}.py", 14, "#aab2c0")
    tokens = ("#c678dd", "#98c379", "#61afef", "#e5c07b", "#abb2bf")
    for row in range(32):
        y, x = _TOP + 14 + row * 22, 300 + 28 * random.choice((0, 1, 1, 2, 2, 3))
        _text(draw, (246, y), f"{row + 41:>3}", 14, "#4b5363")
        for _ in range(random.choice((0, 2, 3, 4, 5))):
            word = random.choice(_WORDS) + random.choice(("", "(", ":", ",", ")", " ="))
            _text(draw, (x, y), word, 15, random.choice(tokens))
            x += 9 * len(word) + 10
    draw.rectangle((0, SIZE[1] - 24, *SIZE), fill=accent)


def _terminal(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, *SIZE), fill="#10140f")
    for row in range(33):
        y = _TOP + 12 + row * 22
        if random.random() < 0.2:
            _text(draw, (20, y), "$", 15, accent)
            _text(draw, (40, y), _words(random, random.randint(1, 4)), 15, "#f2f2f2")
        else:
            _text(draw, (20, y), _words(random, random.randint(3, 12)), 15, "#9fb89a")


def _browser(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((80, _TOP + 12, 1100, _TOP + 44), fill="#f1f3f6", outline=_LINE)
    draw.rectangle((0, _TOP + 56, SIZE[0], _TOP + 120), fill=accent)
    _text(draw, (120, _TOP + 72), _words(random, 4).title(), 30, _PAPER)
    draw.rectangle((900, _TOP + 150, 1200, _TOP + 360), fill="#eef1f5")
    y = _TOP + 150
    while y < SIZE[1] - 30:
        if random.random() < 0.15:
            _text(draw, (120, y + 10), _words(random, 3).capitalize(), 22)
            y += 46
        _text(draw, (120, y), _words(random, random.randint(8, 13)), 16, "#3c4350")
        y += 27


def _sheet(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, SIZE[0], _TOP + 30), fill="#eef1f5")
    for column in range(11):
        _text(draw, (80 + column * 112, _TOP + 6), chr(65 + column), 15, _GREY)
        draw.line((40 + column * 112, _TOP, 40 + column * 112, SIZE[1]), fill=_LINE)
    for row in range(31):
        y = _TOP + 30 + row * 23
        draw.line((0, y, SIZE[0], y), fill=_LINE)
        _text(draw, (10, y + 3), str(row + 1), 13, _GREY)
        _text(draw, (48, y + 3), _words(random, 1), 14)
        for column in range(1, random.randint(4, 10)):
            amount = f"{random.randint(-900, 4200)}.{random.randint(0, 99):02}"
            _text(draw, (70 + column * 112, y + 3), amount, 14, accent if row % 9 == 8 else _INK)


def _document(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, *SIZE), fill="#d5d9df")
    draw.rectangle((300, _TOP + 24, 980, SIZE[1]), fill=_PAPER)
    _text(draw, (370, _TOP + 70), _words(random, 3).title(), 28, accent)
    for row in range(22):
        width = 4 if row % 6 == 5 else 8
        _text(draw, (370, _TOP + 130 + row * 26), _words(random, width), 16, "#2d333d")


def _mail(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, 210, SIZE[1]), fill="#f3f5f8")
    for row, name in enumerate(("Inbox", "Drafts", "Sent", "Archive", "Invoices", "Projects")):
        _text(draw, (24, _TOP + 20 + row * 32), name, 16, accent if row == 0 else _INK)
    for row in range(13):
        y = _TOP + row * 56
        draw.line((210, y, 620, y), fill=_LINE)
        _text(draw, (226, y + 8), _words(random, 2).title(), 16)
        _text(draw, (226, y + 30), _words(random, 5), 14, _GREY)
    draw.line((620, _TOP, 620, SIZE[1]), fill=_LINE)
    for row in range(24):
        _text(draw, (650, _TOP + 24 + row * 28), _words(random, random.randint(4, 8)), 16, "#3c4350")


def _chat(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, 240, SIZE[1]), fill=accent)
    for row in range(14):
        _text(draw, (24, _TOP + 20 + row * 30), f"# {random.choice(_WORDS)}", 16, _PAPER)
    for row in range(9):
        y = _TOP + 24 + row * 78
        draw.ellipse((270, y, 312, y + 42), fill=random.choice(_ACCENTS))
        _text(draw, (328, y), random.choice(("Jonas", "Priya", "Tom", "Mara")), 16)
        _text(draw, (328, y + 24), _words(random, random.randint(4, 14)), 16, "#3c4350")


def _meeting(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, *SIZE), fill="#15181d")
    for index, name in enumerate(("Mara", "Jonas", "Priya", "Tom")):
        x, y = 90 + index % 2 * 560, _TOP + 30 + index // 2 * 330
        draw.rectangle((x, y, x + 540, y + 310), fill="#262b33", outline=accent if index == 0 else None, width=4)
        draw.ellipse((x + 205, y + 80, x + 335, y + 210), fill=random.choice(_ACCENTS))
        _text(draw, (x + 16, y + 276), name, 18, _PAPER)


def _design(draw: Draw, random: Random, accent: str) -> None:
    draw.rectangle((0, _TOP, *SIZE), fill="#e6e6e8")
    draw.rectangle((1060, _TOP, *SIZE), fill=_PAPER)
    for row in range(11):
        _text(draw, (1080, _TOP + 20 + row * 40), random.choice(_WORDS).title(), 15)
        draw.rectangle((1200, _TOP + 18 + row * 40, 1252, _TOP + 40 + row * 40), fill=random.choice(_ACCENTS))
    draw.rectangle((240, _TOP + 60, 820, SIZE[1] - 50), fill=_PAPER)
    for _ in range(9):
        x, y, r = random.randint(280, 700), random.randint(_TOP + 100, 620), random.randint(20, 90)
        shape = random.choice((draw.ellipse, draw.rectangle))
        shape((x, y, x + r, y + r), fill=random.choice(_ACCENTS))
    _text(draw, (290, _TOP + 90), random.choice(_WORDS).title(), 64, accent)


_SCENES: dict[str, Callable[[Draw, Random, str], None]] = {
    "editor": _editor,
    "terminal": _terminal,
    "browser": _browser,
    "sheet": _sheet,
    "document": _document,
    "mail": _mail,
    "chat": _chat,
    "meeting": _meeting,
    "design": _design,
}


def draw(use: Use) -> Image.Image:
    """The screen while this window is in front; the same window looks the same again."""
    random = Random(zlib.crc32(f"{use.app}".encode()))
    image = Image.new("RGB", SIZE, _PAPER)
    pen = ImageDraw.Draw(image)
    _SCENES[use.scene](pen, random, random.choice(_ACCENTS))
    pen.rectangle((0, 0, SIZE[0], 28), fill="#2b2f36")
    _text(pen, (16, 5), "Activities", 14, "#cfd3da")
    _text(pen, (600, 5), "Harbour", 14, "#cfd3da")
    pen.rectangle((0, 28, SIZE[0], _TOP), fill="#e4e7ec")
    _text(pen, (20, 36), (use.app.title or use.app.name).replace("—", "-").replace("–", "-").replace("·", "-"), 16)
    for index, colour in enumerate(("#e2654a", "#e5b84a", "#5fae57")):
        pen.ellipse((1190 + index * 26, 38, 1204 + index * 26, 52), fill=colour)
    return image


def _encode(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=0)
    return buffer.getvalue()


def _blurred(image: Image.Image) -> Image.Image:
    return image.reduce(_BLUR).resize(image.size, Image.Resampling.BILINEAR)


class Screens:
    """The pictures of all windows, sharp and blurred, drawn when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[Use, bool], Picture] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, use: Use, *, blurred: bool) -> Picture:
        """The picture of one window."""
        if (use, blurred) not in self._known:
            self._known[use, blurred] = self._load(use, blurred)
        return self._known[use, blurred]

    def _load(self, use: Use, blurred: bool) -> Picture:
        name = hashlib.sha256(f"{use.app}{use.scene}".encode()).hexdigest()[:16] + ("-blurred" if blurred else "")
        full, small = self._folder / f"{name}.webp", self._folder / f"{name}-small.webp"
        if not small.exists():
            image = _blurred(draw(use)) if blurred else draw(use)
            full.write_bytes(_encode(image, 60))
            draft = small.with_suffix(".new")
            draft.write_bytes(_encode(image.reduce(image.width // THUMBNAIL_WIDTH), 55))
            draft.replace(small)
        return Picture(full.read_bytes(), small.read_bytes(), *SIZE)


def main() -> None:
    """Draw what the demo's own people will need."""
    screens = Screens(Path(sys.argv[1]))
    for persona in (*company.personas(3), company.OTHER):
        for use in (*persona.trade.uses, CALL, BREAK):
            screens.of(use, blurred=persona.blurred)


if __name__ == "__main__":
    main()
