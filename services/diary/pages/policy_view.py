"""Policies as their pages show them: in plain words, in short, and with what a change would do. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.diary.pages.formatting import counted
from services.diary.policies import Effect
from services.wire import words

Policy = Mapping[str, Any]
MODES = (("worklog", "Worklog"), ("monitoring", "Monitoring"))


class Preview(NamedTuple):
    """The words that members read, and what saving would do; ``effect`` None for a policy that nobody carries yet."""

    mode: str
    sentences: list[words.Sentence]
    changes: tuple[words.Change, ...]
    told: str
    reach: str


class Row(NamedTuple):
    """A policy in the list."""

    id: str
    name: str
    version: int
    short: str
    licences: int
    members: int


def preview_of(policy: Policy, mode: str, effect: Effect | None) -> Preview:
    """The preview beside the form."""
    changes, told, reach = (effect.changes, told_words(effect), reach_words(effect)) if effect else ((), "", "")
    return Preview(mode, words.record_of(policy, mode), changes, told, reach)


def told_words(effect: Effect) -> str:
    """Who gets a notice before anything new is captured (G-01); empty where nothing changes."""
    if not effect.changes:
        return ""
    if effect.told:
        will = "will get a notice" if len(effect.told) == 1 else "will get a notice each"
        return f"{counted(len(effect.told), 'member')} {will} before anything new is captured."
    if effect.widens:
        return "Nobody carries this policy yet, so nobody is told now; whoever gets a licence with it is told first."
    return "Nothing more is recorded than before, so nobody needs a notice."


def reach_words(effect: Effect) -> str:
    """How soon a change holds (L-04)."""
    if not effect.changes:
        return "Nothing changes yet."
    if not effect.licences:
        return ""
    return (
        f"{counted(effect.licences, 'licence')} {'carries' if effect.licences == 1 else 'carry'} this policy. "
        "What records less holds within seconds; computers that are offline follow when they are back."
    )


def short_of(policy: Policy) -> str:
    """What is on, in a few words: ``Screenshots 6 an hour, apps, titles``."""
    shots, camera = policy["screenshots"], policy["camera"]
    blurred = ", blurred" if shots["blur"] else ""
    said = [
        f"screenshots {shots['per_segment'] * 6} an hour{blurred}" if shots["enabled"] else "",
        f"camera {camera['per_hour']} an hour" if camera["enabled"] else "",
        *(name if policy[field] else "" for field, name in _NAMED),
        {"domain": "domains", "url": "web addresses"}.get(policy["site"], ""),
        "" if policy["tray"] else "icon hidden",
    ]
    text = ", ".join(filter(None, said)) or "activity counts alone"
    return text[0].upper() + text[1:]


_NAMED = (("recording", "video"), ("live", "live view"), ("apps", "applications"), ("titles", "window titles"))


def carried(policy: str, licences: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The licences under a policy: by a profile while one is on, else by their own (L-07)."""
    return [one for one in licences if (one.get("in_effect") or one["policy"]) == policy]


def rows_of(policies: Sequence[Mapping[str, Any]], licences: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The list, by name."""
    rows = []
    for one in policies:
        live = [licence for licence in carried(one["id"], licences) if licence["state"] != "revoked"]
        members = len({licence["member"] for licence in live})
        rows.append(Row(one["id"], one["name"], one["version"], short_of(one["policy"]), len(live), members))
    return sorted(rows, key=lambda row: (row.licences == 0, row.name.casefold()))


def mode_of(licences: Sequence[Mapping[str, Any]], asked: str = "") -> str:
    """The mode to read a policy in: as asked, else that of most of the licences under it."""
    if asked in words.MODES:
        return asked
    monitoring = sum(one["mode"] == "monitoring" for one in licences)
    return "monitoring" if monitoring * 2 > len(licences) else "worklog"
