"""What a policy records more than another did (G-01). Pure, and over plain dumps of policies as they cross the bus."""

from collections.abc import Mapping
from typing import Any

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
