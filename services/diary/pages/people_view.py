"""How members, teams and clients are shown: rows, pills, and what may be chosen. Pure (W-03, W-04, W-05)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from services.diary.pages.formatting import DASH, hours_and_minutes
from services.diary.pages.listing import folded, initials, search
from services.wire.language import N_, _, again
from services.wire.retold import retold

Member = Mapping[str, Any]

ROLES = (
    *(("employee", N_("Employee")), ("manager", N_("Manager")), ("admin", N_("Admin"))),
    ("client", N_("Client")),
)
OWNER = ("owner", N_("Owner"))
#: A role within a line.
ROLE_WORDS = N_("employee"), N_("manager"), N_("admin"), N_("client"), N_("owner")
STATES = (
    *(("", N_("Current")), ("active", N_("Active")), ("invited", N_("Invited")), ("archived", N_("Archived"))),
    ("all", N_("All")),
)
_NAMES: Mapping[str, str] = dict((*ROLES, OWNER))
_MODES = {"worklog": N_("Worklog"), "monitoring": N_("Monitoring")}


class Pill(NamedTuple):
    """A state: the kind of its colour, its glyph and its word."""

    kind: str
    glyph: str
    words: str


class Row(NamedTuple):
    """A member in the list; ``week`` is this week's time, a dash with ``why`` where there is none to know."""

    id: str
    href: str
    name: str
    email: str
    initials: str
    role: str
    team: str
    recording: str
    state: Pill
    week: str
    why: str
    archived: bool


class Around(NamedTuple):
    """What stands around the members: names of teams, what records them, and this week's minutes by member."""

    teams: Mapping[str, str]
    recording: Mapping[str, str]
    minutes: Mapping[str, int]
    query: str


def row_of(member: Member, around: Around) -> Row:
    """A member as a row."""
    counted = around.minutes.get(member["id"])
    computer = member["email"] == "" and member["role"] == "employee"
    return Row(
        id=member["id"],
        href=f"/people/{member['id']}{around.query}",
        name=member["name"],
        email=member["email"] or _("a computer, not a person"),
        initials=initials(member["name"]),
        role=_("Computer") if computer else again(_NAMES.get(member["role"], str(member["role"]))),
        team=around.teams.get(member["team"] or "", DASH),
        recording=around.recording.get(member["id"], _("None")),
        state=state_of(member),
        week=DASH if counted is None else hours_and_minutes(counted),
        why=_("No time in this week yet") if counted is None else "",
        archived=member["archived"],
    )


def state_of(member: Member) -> Pill:
    """Active, invited or archived."""
    if member["archived"]:
        return Pill("", "sq", _("Archived"))
    if member["invited"]:
        return Pill("", "none", _("Invited"))
    return Pill("good", "tick", _("Active"))


def client_state_of(client: Member) -> Pill:
    """As ``state_of``, in the words of clients: they are one once they confirm (W-05)."""
    state = state_of(client)
    return state._replace(words=_("Confirmed")) if state.kind == "good" else state


def recordings(licences: Iterable[Member], policies: Iterable[Member]) -> dict[str, str]:
    """What records whom: the mode and the policy of the licences that hold, by member."""
    names = {one["id"]: one["name"] for one in policies}
    found: dict[str, str] = {}
    for one in licences:
        if one["state"] in ("active", "grace") and one["member"]:
            policy = names.get(one.get("in_effect") or one["policy"], "")
            mode = again(_MODES.get(one["mode"], ""))
            found[one["member"]] = f"{mode}, {policy}" if policy else mode
    return found


def narrowed(members: Sequence[Member], words: str, role: str, team: str, state: str) -> list[Member]:
    """The members that fit a filter, by name; archived ones only where they are asked for."""
    found = search(members, words, ("name", "email"))
    fits = [
        one
        for one in found
        if role in ("", one["role"])
        and (team == "" or one["team"] == (None if team == "none" else team))
        and _in_state(one, state)
    ]
    return sorted(fits, key=lambda one: (one["archived"], folded(one["name"])))


def _in_state(member: Member, state: str) -> bool:
    if state == "all":
        return True
    if state == "archived":
        return bool(member["archived"])
    if member["archived"]:
        return False
    return state == "" or (state == "invited") == bool(member["invited"])


def roles_for(viewer_role: str, present: str = "") -> list[tuple[str, str]]:
    """The roles that somebody may give; only an owner decides about owners."""
    roles = [*ROLES, OWNER] if viewer_role == "owner" or present == "owner" else ROLES
    return [(value, again(words)) for value, words in roles]


def team_choices(teams: Iterable[Member], present: str | None = None) -> list[tuple[str, str]]:
    """Teams to choose from, and none."""
    open_ones = [one for one in teams if not one["archived"] or one["id"] == present]
    return [
        ("", _("No team")),
        *sorted(((one["id"], one["name"]) for one in open_ones), key=lambda one: one[1].casefold()),
    ]


#: What to do about a bad line, by what its reason is about.
_ADVICE = {
    "email: a member": N_("Leave the line out"),
    "email: stands above": N_("Leave one of the two lines out"),
    "email": N_("Write a full address, like ada@example.com"),
    "role": N_("Use employee, manager, admin or client; owners are made one by one"),
    "team": N_("Create the team first, or leave the cell empty"),
    "zone": N_("Use a zone like Europe/Berlin, or leave the cell empty"),
    "name": N_("Write a name of 1 to 100 characters, in UTF-8"),
}
#: What licensing says of a line (member_rows.py, imports.py), behind the name of its column.
_REASONS = (
    *(N_("a member already"), N_("stands above already"), N_("there is no such team"), N_("not UTF-8 text")),
    *(N_("holds characters that cannot be shown"), N_("one of {choices}"), N_("not an e-mail address")),
    *(N_("not a time zone like Europe/Berlin"), N_("one line, without control characters"), N_("Field required")),
    *(N_("String should have at least 1 character"), N_("String should have at most {most} characters")),
)
_OF_LINES = N_("not CSV: {why}"), N_("{cells} cells where {columns} columns are named")


def bad_line(error: Mapping[str, Any]) -> dict[str, Any]:
    """A refused line: its number, why, and what to do."""
    reason = str(error["reason"])
    advice = next(
        (words for start, words in _ADVICE.items() if reason.startswith(start)), N_("Compare it with the first line")
    )
    words = said_of(reason.replace("Value error, ", ""))
    return {"line": error["line"], "why": words[:1].upper() + words[1:], "advice": again(advice)}


def said_of(reason: str) -> str:
    """A reason, which is stored in English, in the reader's language."""
    where, colon, why = reason.partition(": ")
    if colon and where.isidentifier():
        return f"{where}: {retold(why, _REASONS)}"
    return retold(reason, _OF_LINES)
