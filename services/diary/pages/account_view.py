"""How one's sessions and API tokens are shown, and where a wrong password stands. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import dated
from services.diary.pages.forms import Form, told
from services.kit.problems import Problem
from services.wire.language import LANGUAGES, _

#: (scope, its name, what it opens) as a form shows them (W-08).
SCOPES = (
    ("read", "Read everything", "all that you may see yourself"),
    ("write", "Change everything", "all that you may change yourself"),
    ("diary:read", "Read diaries", "days, pictures, timesheets, contracts, scores"),
    ("diary:write", "Change diaries", "memos, labels, manual time, contracts"),
    ("people:read", "Read people", "members, teams, clients, workspaces, the audit log"),
    ("people:write", "Change people", "invite, edit and archive; settings; mails"),
    ("devices:read", "Read devices", "licences, policies, devices"),
    ("devices:write", "Change devices", "issue and revoke licences, policies"),
)
LASTING = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked"))
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android")),
    *(("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")),
)


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
    where, at = names.get(session["workspace"], "another workspace"), ZoneInfo(zone)
    what = f"{where}, from {session['address']}, since {dated(session['started_at'], at, named=False)}"
    return Row(session["id"], program_of(session["agent"]), what, dated(session["seen_at"], at), session["current"])


def token_row(token: Mapping[str, Any], zone: str) -> Row:
    """A token: its scopes, how long it lasts, when it was used last."""
    known = {scope: name.lower() for scope, name, _ in SCOPES}
    until = f"until {dated(token['expires'], ZoneInfo(zone))}" if token["expires"] else "until it is revoked"
    used = f"used {dated(token['used_at'], ZoneInfo(zone))}" if token["used_at"] else "never used"
    what = ", ".join(known.get(one, one) for one in token["scopes"])
    return Row(token["id"], token["name"], f"May {what}; {until}", used)


def program_of(agent: str) -> str:
    """What a browser calls itself, in two words: ``Firefox on Linux``."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    return re.split(r"[ /]", agent, maxsplit=1)[0] or "A program"


def password_form(problem: Problem, name: str, *, old: str, new: str, code: str = "") -> Form:
    """The form again: a wrong password at the field of the present one, a poor one at that of the new one."""
    words = f"{problem.title} {problem.detail}".strip()
    if problem.kind == "wrong-password":
        return Form({}, {old: words}, name=name)
    if code and problem.kind in ("code-needed", "wrong-code"):
        return Form({}, {code: words}, name=name)
    at, said = told(problem)
    if problem.status == 422 and at != "code":
        return Form({}, {new: said}, name=name)
    return Form({}, notice=words, name=name)
