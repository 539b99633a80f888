"""The audit log as its page shows it: an entry in words. Pure (G-02, B-03)."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.audit_words import DID, Known, did, said, week_in
from services.diary.pages.formatting import DASH, dated, full_date
from services.diary.pages.listing import folded
from services.kit.access import ROLES
from services.wire.language import _, again, ngettext
from services.wire.slots import parse_instant

_PLACES = {"policy": "/policies", "licence": "/licences", "device": "/devices", "contract": "/contracts"}


class Line(NamedTuple):
    """One entry; ``about`` is whom it concerns, ``target`` what was touched, with its page where it has one.

    ``several`` are the ids of the pictures where the line stands for several entries, or of the segments it is about.
    ``named``: the target is said by its name, not by an id.
    """

    day: str
    clock: str
    actor: str
    role: str
    did: str
    action: str
    about: str
    target: str
    href: str
    detail: str
    address: str
    several: str = ""
    named: bool = False


def lines_of(entries: Sequence[Mapping[str, Any]], known: Known) -> list[Line]:
    """Entries as they are read: pictures that somebody looked through within a minute are one line."""
    groups = groupby(entries, key=lambda one: _look(one) or one["id"])
    return [_looked(list(some), known) for _, some in groups]


def _look(entry: Mapping[str, Any]) -> tuple[str, ...] | None:
    if entry["action"] != "capture.viewed":
        return None
    return (str(entry["actor"]), str(entry["member"]), str(entry["detail"]), str(entry["at"])[:16])


def _looked(some: Sequence[Mapping[str, Any]], known: Known) -> Line:
    line = line_of(some[0], known)
    if len(some) == 1:
        return line
    captures = ", ".join(str(one["capture"] or one["target"]) for one in some)
    return line._replace(did=_looks(len(some)), target="", several=captures)


def _looks(count: int) -> str:
    return ngettext("looked at {number} picture", "looked at {number} pictures", count)


def line_of(entry: Mapping[str, Any], known: Known) -> Line:
    """An entry as it is read."""
    local = parse_instant(entry["at"]).astimezone(known.zone)
    action, detail = str(entry["action"]), str(entry["detail"] or "")
    week = week_in(detail, known)
    target, href = (week.title, week.href) if week else _target(entry, known)
    about = known.names.get(entry["member"] or "", "")
    return Line(
        day=full_date(local),
        clock=f"{local:%H:%M:%S}",
        actor=str(entry["actor_name"] or DASH),
        role=_role(str(entry["actor_role"] or "")),
        did=did(action),
        action=action,
        about="" if entry["member"] == entry["actor"] else about,
        target=target,
        href=href,
        detail=week.form if week else said(detail, known),
        address=str(entry["address"] or ""),
        several=", ".join(entry.get("segments") or ()),
        named=week is not None or target in known.names.values(),
    )


def _role(name: str) -> str:
    return again(name) if name in ROLES else name


def _target(entry: Mapping[str, Any], known: Known) -> tuple[str, str]:
    """What was touched, by its name where it has one that is known, and its page."""
    action, id = str(entry["action"]), str(entry["target"] or entry["capture"] or "")
    if id == entry["member"] or action.startswith("session."):
        return "", ""
    place = _PLACES.get(action.partition(".")[0])
    return known.names.get(id, id), f"{place}/{id}" if place and id else ""


def choices() -> list[tuple[str, str]]:
    """The actions a filter offers, by their words."""
    named = sorted(((action, words[0].upper() + words[1:]) for action in DID for words in [did(action)]), key=_by_words)
    return [("", _("Anything")), *named]


def _by_words(choice: tuple[str, str]) -> str:
    return folded(choice[1])


def since_of(loose: Sequence[str], zone: ZoneInfo) -> str:
    """When the first of the entries in no chain was written, as its id says: anything, where that is no instant."""
    first = loose[0].partition("|")[0] if loose else ""
    try:
        return dated(first, zone)
    except ValueError:  # put in past the services: its id may be anything
        return first
