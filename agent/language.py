"""In which language the agent speaks with this computer's user (W-06): the member's, as their entitlement names it.

Before there is one it is the computer's own, as far as Daybook speaks it. The log stays English.
"""

import locale
import os

from services.wire.language import LANGUAGES, known


def of_computer() -> str:
    """The language that this computer is set to; English where it is none of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if said := os.environ.get(name):
            return _code(said)
    try:
        return _code(locale.getlocale()[0] or "")
    except ValueError:
        return known(None)


def of(named: object) -> str:
    """The language that an entitlement names; the computer's where it names none of ours."""
    return named if isinstance(named, str) and named in LANGUAGES else of_computer()


def _code(name: str) -> str:
    """``de`` of ``de_DE.UTF-8`` and of ``German_Germany``."""
    first = name.lower().replace("-", "_").partition(".")[0].partition("_")[0]
    return known({"german": "de"}.get(first, first))
