"""What lies on the demo people's desks: the applications of each trade, how busy they make hands, and typical memos."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.slot import App


class Use(NamedTuple):
    """An application with a window; ``scene`` says how it looks, ``pace`` is keys, clicks and scrolls a minute."""

    app: App
    scene: str
    weight: int
    pace: tuple[int, int, int]


@dataclass(frozen=True)
class Trade:
    """What a kind of work is done with, and called."""

    uses: Sequence[Use]
    memos: Sequence[str]


def _site(title: str, site: str, weight: int) -> Use:
    return Use(App("firefox", f"{title} — Mozilla Firefox", site), "browser", weight, (9, 6, 14))


CALL = Use(App("zoom", "Weekly planning - Zoom"), "meeting", 0, (0, 1, 0))
BREAK = _site("Harbour webcam, live", "youtube.com", 0)

_MAIL = Use(App("thunderbird", "Inbox - Thunderbird"), "mail", 8, (70, 5, 6))
_CHAT = Use(App("slack", "studio - Slack"), "chat", 6, (85, 4, 5))

DEVELOPER = Trade(
    uses=[
        Use(App("code", "reservations.py - booking - Visual Studio Code"), "editor", 16, (150, 6, 12)),
        Use(App("code", "test_reservations.py - booking - Visual Studio Code"), "editor", 12, (140, 5, 10)),
        Use(App("code", "calendar.ts - booking-web - Visual Studio Code"), "editor", 10, (145, 6, 12)),
        Use(App("gnome-terminal", "booking: pytest"), "terminal", 9, (60, 1, 4)),
        Use(App("gnome-terminal", "booking: git log"), "terminal", 6, (55, 1, 6)),
        _site("Overlapping ranges with exclusion constraints", "postgresql.org", 5),
        _site("Add waiting list to reservations · Pull request 218", "github.com", 7),
        _CHAT,
        _MAIL,
    ],
    memos=[
        "Waiting list for full days",
        "Fix double booking across midnight",
        "Review of the calendar widget",
        "Tests for cancellations",
        "Import of the old reservations",
    ],
)

DESIGNER = Trade(
    uses=[
        Use(App("figma", "Brand refresh – Colours – Figma"), "design", 16, (14, 26, 12)),
        Use(App("figma", "Brand refresh – Poster A2 – Figma"), "design", 14, (10, 28, 14)),
        Use(App("inkscape", "logo-final.svg - Inkscape"), "design", 10, (8, 30, 8)),
        _site("Type pairings for small sizes", "fonts.google.com", 8),
        _site("Paper and print finishes", "wikipedia.org", 5),
        Use(App("libreoffice writer", "Brand guide.odt - LibreOffice Writer"), "document", 9, (110, 5, 9)),
        _CHAT,
        _MAIL,
    ],
    memos=[
        "Second round of logo sketches",
        "Colour system, accessible contrasts",
        "Poster for the spring fair",
        "Brand guide: tone and type",
        "Corrections after the client's call",
    ],
)

BOOKKEEPER = Trade(
    uses=[
        Use(App("libreoffice calc", "Ledger 2026.ods - LibreOffice Calc"), "sheet", 18, (95, 11, 12)),
        Use(App("libreoffice calc", "VAT October.ods - LibreOffice Calc"), "sheet", 12, (90, 12, 10)),
        Use(App("libreoffice writer", "Notes to the accounts.odt - LibreOffice Writer"), "document", 8, (105, 4, 8)),
        _site("VAT rates by country", "europa.eu", 6),
        _site("Online banking – Statements", "bank.example", 6),
        _MAIL._replace(weight=14),
    ],
    memos=[
        "Receipts of October",
        "Reconcile bank statements",
        "Depreciation schedule",
        "Questions for the auditor",
        "VAT return",
    ],
)
