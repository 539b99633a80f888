"""What a policy records more than another did, in words, and what of it is to wait for a notice. Pure (G-01)."""

from collections.abc import Mapping
from typing import Any

from services.licensing.policies import Policy

Dump = Mapping[str, Any]
_SITE = ("off", "domain", "url")
_MONITORS = ("active", "member", "all")


def widened(before: Dump | None, after: Dump) -> list[str]:
    """The kinds (fields of a policy) that record more after than before; None: nothing was recorded before."""
    old, new = _breadths(before or Policy().model_dump()), _breadths(after)
    return [kind for kind, breadth in new.items() if any(b > a for a, b in zip(old[kind], breadth, strict=True))]


def held_back(effective: Dump, after: Dump) -> dict[str, Any]:
    """The fields that stay as they are in effect on a device until its notice arrived there."""
    return {kind: effective[kind] for kind in widened(effective, after)}


def in_words(kinds: list[str], after: Dump) -> list[str]:
    """Each of the kinds as its member reads it."""
    shots, camera = after["screenshots"], after["camera"]
    blurred = "blurred" if shots["blur"] else "not blurred"
    words = {
        "screenshots": f"Screenshots: {shots['per_segment']} in ten minutes, {blurred}",
        "camera": f"Camera snapshots, with your own yes only: at most {camera['per_hour']} an hour",
        "recording": "A video of the screen, a few pictures a minute",
        "live": "The screen can be watched live; each watch is written down",
        "apps": "Which application is in front, and how long",
        "titles": "The titles of windows in front",
        "site": "The addresses of web pages in front" if after["site"] == "url" else "The web sites in front",
        "notify": "You are no longer shown each capture",
        "tray": "The icon that shows that recording runs is hidden",
    }
    return [words[kind] for kind in kinds]


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
