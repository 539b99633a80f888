"""What a policy records more than another did, in words, and what of it is to wait for a notice. Pure (G-01)."""

from typing import Any

from services.licensing.policies import Policy
from services.wire import widening
from services.wire.widening import Dump


def widened(before: Dump | None, after: Dump) -> list[str]:
    """The kinds (fields of a policy) that record more after than before; None: nothing was recorded before."""
    return widening.widened(before or Policy().model_dump(), after)


def held_back(effective: Dump, after: Dump) -> dict[str, Any]:
    """The fields that stay as they are in effect on a device until its notice arrived there."""
    return {kind: effective[kind] for kind in widened(effective, after)}


def in_words(kinds: list[str], after: Dump) -> list[str]:
    """Each of the kinds as its member reads it."""
    shots, camera = after["screenshots"], after["camera"]
    yet = "allowed from now on, but not recorded by this version's agent"
    blurred = "blurred" if shots["blur"] else "not blurred"
    words = {
        "screenshots": f"Screenshots: {shots['per_segment']} in ten minutes, {blurred}",
        "camera": f"Camera snapshots, with your own yes only, at most {camera['per_hour']} an hour: {yet}",
        "recording": f"A video of the screen, a few pictures a minute: {yet}",
        "live": f"The screen can be watched live, and each watch is written down: {yet}",
        "apps": "Which application is in front, and how long",
        "titles": "The titles of windows in front",
        "site": "The addresses of web pages in front" if after["site"] == "url" else "The web sites in front",
        "notify": "You are no longer shown each capture",
        "tray": "The icon that shows that recording runs is hidden",
    }
    return [words[kind] for kind in kinds]
