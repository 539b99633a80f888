"""A policy as a form: which switch is which field, and what a form that was sent says. Pure (T-03 to T-11, M-04, M-05).

A field is named as its switch is, ``screenshots.per_segment``; licensing checks what it may hold.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.diary.pages.forms import Sent
from services.kit.problems import invalid
from services.wire.language import _
from services.wire.retention import WORKSPACES

Policy = Mapping[str, Any]


class Switch(NamedTuple):
    """A switch: its path in the policy, how its field is read, and what it is in a policy that says nothing of it."""

    path: str
    kind: str
    default: Any


SWITCHES: tuple[Switch, ...] = (
    Switch("screenshots.enabled", "tick", False),
    Switch("screenshots.per_segment", "number", 1),
    Switch("screenshots.monitors", "text", "member"),
    Switch("screenshots.width", "number", 1280),
    Switch("screenshots.blur", "tick", True),
    Switch("notify", "tick", True),
    Switch("camera.enabled", "tick", False),
    Switch("camera.per_hour", "number", 1),
    Switch("recording", "tick", False),
    Switch("live", "tick", False),
    Switch("apps", "tick", False),
    Switch("titles", "tick", False),
    Switch("site", "text", "off"),
    Switch("only_sites", "lines", []),
    Switch("never_sites", "lines", []),
    Switch("idle_minutes", "number", 5),
    Switch("shifts_only", "tick", False),
    Switch("member_may.choose_monitors", "tick", False),
    Switch("member_may.discard", "tick", False),
    Switch("member_may.keep_idle", "tick", False),
    Switch("member_may.remind", "tick", False),
    Switch("member_may.pause", "tick", False),
    Switch("tray", "tick", True),
    Switch("legal_basis", "optional", None),
    Switch("capture_days", "days", WORKSPACES),
    Switch("camera_days", "days", WORKSPACES),
    Switch("legal_hold", "tick", False),
    Switch("grace_days", "number", 30),
    Switch("automatic_updates", "tick", True),
)
#: The choice beside each field of days: as the workspace says, days of its own, or without an end (M-05).
_KEPT = {"capture_days": "capture_kept", "camera_days": "camera_kept"}
FIELDS = ("name", *(switch.path for switch in SWITCHES))


def values_of(policy: Policy, name: str = "") -> dict[str, Any]:
    """What stands in the fields for a policy; ``{}`` gives the defaults, in which everything is off."""
    found = {switch.path: _at(policy, switch) for switch in SWITCHES}
    texts = {switch.path: "\n".join(found[switch.path]) for switch in SWITCHES if switch.kind == "lines"}
    days = [field for path in _KEPT for field in _days_fields(path, found[path]).items()]
    return {"name": name, **found, **texts, **dict(days)}


def policy_of(sent: Sent) -> dict[str, Any]:
    """The policy that a form says, without its version; 422 at a field that holds no whole number."""
    return _nested((switch.path, _read(sent, switch)) for switch in SWITCHES)


def defaults() -> dict[str, Any]:
    """The policy in which everything is off (B-05)."""
    return _nested((switch.path, switch.default) for switch in SWITCHES)


def _nested(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    policy: dict[str, Any] = {}
    for path, value in values:
        place, _, field = path.partition(".")
        if field:
            policy.setdefault(place, {})[field] = value
        else:
            policy[place] = value
    return policy


def kept(sent: Sent) -> dict[str, Any]:
    """What was typed, for the form to be shown again."""
    found = {
        switch.path: sent.ticked(switch.path) if switch.kind == "tick" else sent.text(switch.path)
        for switch in SWITCHES
    }
    return {"name": sent.text("name"), **found, **{field: sent.text(field) for field in _KEPT.values()}}


def _at(policy: Policy, switch: Switch) -> Any:
    place, _, field = switch.path.partition(".")
    return policy.get(place, {}).get(field, switch.default) if field else policy.get(place, switch.default)


def _read(sent: Sent, switch: Switch) -> Any:
    match switch.kind:
        case "days":
            return _days(sent, switch.path)
        case "tick":
            return sent.ticked(switch.path)
        case "number":
            number = sent.number(switch.path)
            return switch.default if number is None else number
        case "lines":
            return sent.lines(switch.path)
        case "optional":
            return sent.some(switch.path)
    return sent.text(switch.path) or switch.default


def _days_fields(path: str, value: int | str | None) -> dict[str, Any]:
    if value is None or value == WORKSPACES:
        return {path: "", _KEPT[path]: WORKSPACES if value else "always"}
    return {path: value, _KEPT[path]: "days"}


def _days(sent: Sent, path: str) -> int | str | None:
    """What of a choice and its number counts; without a choice the number does."""
    match sent.text(_KEPT[path]) or ("days" if sent.some(path) else WORKSPACES):
        case "always":
            return None
        case "days":
            days = sent.number(path)
            if days is None:
                raise invalid(_("{field}: how many days", field=path), field=path)
            return days
    return WORKSPACES
