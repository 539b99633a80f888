"""Policies as their pages show them: in plain words, in short, and with what a change would do. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.diary.policies import Effect
from services.wire import words
from services.wire.language import N_, _, again, ngettext

Policy = Mapping[str, Any]
MODES = (("worklog", N_("Worklog")), ("monitoring", N_("Monitoring")))


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
        return ngettext(
            "{number} member will get a notice before anything new is captured.",
            "{number} members will get a notice each before anything new is captured.",
            len(effect.told),
        )
    if effect.widens:
        return _("Nobody carries this policy yet, so nobody is told now; whoever gets a licence with it is told first.")
    return _("Nothing more is recorded than before, so nobody needs a notice.")


def reach_words(effect: Effect) -> str:
    """How soon a change holds (L-04)."""
    if not effect.changes:
        return _("Nothing changes yet.")
    if not effect.licences:
        return ""
    return ngettext(
        "{number} licence carries this policy. What records less holds within seconds; computers that are offline "
        "follow when they are back.",
        "{number} licences carry this policy. What records less holds within seconds; computers that are offline "
        "follow when they are back.",
        effect.licences,
    )


def short_of(policy: Policy) -> str:
    """What is on, in a few words: ``Screenshots 6 an hour, apps, titles``."""
    shots, camera = policy["screenshots"], policy["camera"]
    shot = N_("screenshots {often} an hour, blurred") if shots["blur"] else N_("screenshots {often} an hour")
    said = [
        again(shot).format(often=shots["per_segment"] * 6) if shots["enabled"] else "",
        _("camera {often} an hour", often=camera["per_hour"]) if camera["enabled"] else "",
        *(again(name) if policy[field] else "" for field, name in _NAMED),
        again(_SITES.get(policy["site"], "")),
        "" if policy["tray"] else _("icon hidden"),
    ]
    text = ", ".join(filter(None, said)) or _("activity counts alone")
    return text[0].upper() + text[1:]


_NAMED = (
    *(("recording", N_("video")), ("live", N_("live view")), ("apps", N_("applications"))),
    ("titles", N_("window titles")),
)
_SITES = {"domain": N_("domains"), "url": N_("web addresses")}


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
