"""What a policy records more than another did, in words, and what of it is to wait for a notice. Pure (G-01)."""

from typing import Any

from services.licensing.policies import Policy
from services.wire import widening
from services.wire.language import _
from services.wire.widening import Dump


def widened(before: Dump | None, after: Dump) -> list[str]:
    """The kinds (fields of a policy) that record more after than before; None: nothing was recorded before."""
    return widening.widened(before or Policy().model_dump(), after)


def held_back(effective: Dump, after: Dump) -> dict[str, Any]:
    """The fields that stay as they are in effect on a device until its notice arrived there."""
    return {kind: effective[kind] for kind in widened(effective, after)}


def in_words(kinds: list[str], after: Dump) -> list[str]:
    """Each of the kinds as its member reads it, in the language that is spoken."""
    per, camera, blurred = after["screenshots"]["per_segment"], after["camera"], after["screenshots"]["blur"]
    words = {
        "screenshots": _("Screenshots: {count} in ten minutes, blurred", count=per)
        if blurred
        else _("Screenshots: {count} in ten minutes, not blurred", count=per),
        "camera": _(
            "Camera snapshots, with your own yes only, at most {count} an hour: allowed from now on, but not recorded "
            "by this version's agent",
            count=camera["per_hour"],
        ),
        "recording": _(
            "A video of the screen, a few pictures a minute: allowed from now on, but not recorded by this version's "
            "agent"
        ),
        "live": _(
            "The screen can be watched live, and each watch is written down: allowed from now on, but not recorded by "
            "this version's agent"
        ),
        "apps": _("Which application is in front, and how long"),
        "titles": _("The titles of windows in front"),
        "site": _("The addresses of web pages in front") if after["site"] == "url" else _("The web sites in front"),
        "notify": _("You are no longer shown each capture"),
        "tray": _("The icon that shows that recording runs is hidden"),
    }
    return [words[kind] for kind in kinds]
