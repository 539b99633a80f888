"""What a policy records more than another did (G-01). Pure, and over plain dumps of policies as they cross the bus."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.wire.language import N_, Said, again
from services.wire.retold import retold

Dump = Mapping[str, Any]
_SITE = ("off", "domain", "url")
_MONITORS = ("active", "member", "all")


def widened(before: Dump, after: Dump) -> list[str]:
    """The kinds (fields of a policy) that record more after than before."""
    old, new = _breadths(before), _breadths(after)
    return [kind for kind, breadth in new.items() if any(b > a for a, b in zip(old[kind], breadth, strict=True))]


def _breadths(policy: Dump) -> dict[str, tuple[int, ...]]:
    """How much each kind records, by every measure it has; all 0 where it is off."""
    shots, camera = policy["screenshots"], policy["camera"]
    on = int(shots["enabled"])
    by_monitors = _MONITORS.index(shots["monitors"])
    shown = (on, on * shots["per_segment"], on * shots["width"], on * (not shots["blur"]), on * by_monitors)
    return {
        "screenshots": shown,
        "camera": (int(camera["enabled"]), camera["enabled"] * camera["per_hour"]),
        **{kind: (int(policy[kind]),) for kind in ("recording", "live", "apps", "titles")},
        "site": (_SITE.index(policy["site"]),),
        "notify": (on * (not policy["notify"]),),
        "tray": (int(not policy["tray"]),),
    }


#: A notice's lines by what they are about; where a kind has two, the second is the one of more.
_LINES = {
    "screenshots": (
        N_("Screenshots: {count} in ten minutes, blurred"),
        N_("Screenshots: {count} in ten minutes, not blurred"),
    ),
    "camera": (
        N_(
            "Camera snapshots, with your own yes only, at most {count} an hour: allowed from now on, but not recorded "
            "by this version's agent"
        ),
    ),
    "recording": (
        N_(
            "A video of the screen, a few pictures a minute: allowed from now on, but not recorded by this version's "
            "agent"
        ),
    ),
    "live": (
        N_(
            "The screen can be watched live, and each watch is written down: allowed from now on, but not recorded by "
            "this version's agent"
        ),
    ),
    "apps": (N_("Which application is in front, and how long"),),
    "titles": (N_("The titles of windows in front"),),
    "site": (N_("The web sites in front"), N_("The addresses of web pages in front")),
    "notify": (N_("You are no longer shown each capture"),),
    "tray": (N_("The icon that shows that recording runs is hidden"),),
}
_ALL_LINES = tuple(line for lines in _LINES.values() for line in lines)


def in_words(kinds: Sequence[str], after: Dump) -> list[str]:
    """Each of the kinds as its member reads it, in the language that is spoken; kept is the English."""
    counts = {"screenshots": after["screenshots"]["per_segment"], "camera": after["camera"]["per_hour"]}
    more = {"screenshots": not after["screenshots"]["blur"], "site": after["site"] == "url"}
    said = []
    for kind in kinds:
        message = _LINES[kind][more.get(kind, False)]
        said.append(again(Said(message, message, {"count": counts[kind]} if kind in counts else {})))
    return said


def told_again(lines: Sequence[str]) -> list[str]:
    """The lines of a notice in the language that is spoken."""
    return [retold(line, _ALL_LINES) for line in lines]
