"""How one's sessions and API tokens are shown, and where a wrong password stands. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import dated
from services.diary.pages.forms import Form, told
from services.kit.problems import Problem
from services.wire.language import LANGUAGES, N_, _, again

#: (scope, its name, what it opens) as a form shows them (W-08).
SCOPES = (
    ("read", N_("Read everything"), N_("all that you may see yourself")),
    ("write", N_("Change everything"), N_("all that you may change yourself")),
    ("diary:read", N_("Read diaries"), N_("days, pictures, timesheets, contracts, scores")),
    ("diary:write", N_("Change diaries"), N_("memos, labels, manual time, contracts")),
    ("people:read", N_("Read people"), N_("members, teams, clients, workspaces, the audit log")),
    ("people:write", N_("Change people"), N_("invite, edit and archive; settings; mails")),
    ("devices:read", N_("Read devices"), N_("licences, policies, devices")),
    ("devices:write", N_("Change devices"), N_("issue and revoke licences, policies")),
)
#: The same within the line of a token.
_MAY = {
    "read": N_("read everything"),
    "write": N_("change everything"),
    "diary:read": N_("read diaries"),
    "diary:write": N_("change diaries"),
    "people:read": N_("read people"),
    "people:write": N_("change people"),
    "devices:read": N_("read devices"),
    "devices:write": N_("change devices"),
}
LASTING = (("30", N_("30 days")), ("90", N_("90 days")), ("365", N_("A year")), ("", N_("Until it is revoked")))
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android")),
    *(("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")),
)


def scopes() -> list[tuple[str, str, str]]:
    """``SCOPES`` in the reader's language."""
    return [(scope, again(name), again(what)) for scope, name, what in SCOPES]


def lasting() -> list[tuple[str, str]]:
    """How long a token may last, in days, in the reader's language; empty: without an end."""
    return [(days, again(name)) for days, name in LASTING]


def languages() -> list[tuple[str, str]]:
    """What somebody may have Daybook speak with them; empty: what the workspace speaks (W-06)."""
    return [("", _("As the workspace")), *((code, language.name) for code, language in LANGUAGES.items())]


class Row(NamedTuple):
    """A session or a token: its name, what it is, when it was used last, and whether it is this one."""

    id: str
    name: str
    what: str
    last: str
    current: bool = False


def session_row(session: Mapping[str, Any], names: Mapping[str, str], zone: str) -> Row:
    """A session: the browser, the workspace and the address, when it began and was last seen."""
    where, at = names.get(session["workspace"], _("another workspace")), ZoneInfo(zone)
    since = dated(session["started_at"], at, named=False)
    what = _("{workspace}, from {address}, since {when}", workspace=where, address=session["address"], when=since)
    return Row(session["id"], program_of(session["agent"]), what, dated(session["seen_at"], at), session["current"])


def token_row(token: Mapping[str, Any], zone: str) -> Row:
    """A token: its scopes, how long it lasts, when it was used last."""
    what, at = ", ".join(again(_MAY[one]) if one in _MAY else one for one in token["scopes"]), ZoneInfo(zone)
    if token["expires"]:
        may = _("May {what}; until {when}", what=what, when=dated(token["expires"], at))
    else:
        may = _("May {what}; until it is revoked", what=what)
    used = _("used {when}", when=dated(token["used_at"], at)) if token["used_at"] else _("never used")
    return Row(token["id"], token["name"], may, used)


def program_of(agent: str) -> str:
    """What a browser calls itself, in two words: ``Firefox on Linux``."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser:
        return _("{browser} on {system}", browser=browser, system=system) if system else browser
    return re.split(r"[ /]", agent, maxsplit=1)[0] or _("A program")


def password_form(problem: Problem, name: str, *, old: str, new: str, code: str = "") -> Form:
    """The form again: a wrong password at the field of the present one, a poor one at that of the new one."""
    at, said = told(problem)
    words = " ".join(problem.words)
    if problem.kind == "wrong-password":
        return Form({}, {old: words}, name=name)
    if code and problem.kind in ("code-needed", "wrong-code"):
        return Form({}, {code: words}, name=name)
    if problem.status == 422 and at != "code":
        return Form({}, {new: said}, name=name)
    return Form({}, notice=words, name=name)
