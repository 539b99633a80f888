"""What people decide of a timesheet: submitted by the member, approved or rejected by who may (S-10), until it locks.

A decision is written together with the contract-week's version and its ``approved``, so that it is about the figures
that stood there; what changes afterwards is shown as ``changed_since``.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from services.diary import audit, timesheets
from services.diary.access import Action, Viewer
from services.diary.edge import Edge
from services.diary.sheets import StaleWeek
from services.diary.timesheets import Case, Document
from services.diary.weeks import week_key
from services.kit.mongo import Session, transaction
from services.kit.problems import Problem, forbidden
from services.wire.language import ENGLISH, N_, _, again, as_told, speaking
from services.wire.requests import Tell
from services.wire.slots import format_instant

log = logging.getLogger(__name__)
Step = Literal["submission", "approval", "rejection"]


class _Move(NamedTuple):
    action: Action
    from_: tuple[str, ...]
    to: str
    word: str


_MOVES: Mapping[Step, _Move] = {
    "submission": _Move(Action.SUBMIT_TIMESHEET, ("open", "submitted"), "submitted", "submitted"),
    "approval": _Move(Action.DECIDE_TIMESHEET, ("submitted", "approved"), "approved", "approved"),
    "rejection": _Move(Action.DECIDE_TIMESHEET, ("submitted", "approved"), "open", N_("rejected")),
}
#: The states of a timesheet as a sentence says them.
_STATES = {"open": N_("open"), "submitted": N_("submitted"), "approved": N_("approved"), "locked": N_("locked")}


async def decide(edge: Edge, viewer: Viewer, contract: str, week: str, step: Step, reason: str | None = None) -> Case:
    """Takes the step and gives the timesheet as it is then.

    403 where the role does not allow it or it is one's own to be approved by another; 404 out of reach; 409
    ``week-locked``, ``nothing-to-submit``, ``not-submitted`` or ``changed-meanwhile``.
    """
    move = _MOVES[step]
    case = await timesheets.find(edge, viewer, contract, week, move.action)
    if step == "approval" and case.contract["member"] == viewer.member:
        await _require_alone(edge, viewer)

    async def work(session: Session) -> None:
        await _write(edge, viewer, case, move, reason, session)
        owner, detail = case.contract["member"], f"{contract} {week}"
        await audit.note(edge.db, viewer, f"timesheet.{move.word}", owner, detail=detail, session=session)

    try:
        await transaction(edge.db, work)
    except StaleWeek as error:
        words = _("The week changed just now."), _("Look at it again.")
        raise Problem(409, "changed-meanwhile", *words) from error
    after = await timesheets.find(edge, viewer, contract, week)
    if step != "submission":
        await _tell(edge, viewer, after, move, reason)
    return after


async def _write(edge: Edge, viewer: Viewer, case: Case, move: _Move, reason: str | None, session: Session) -> None:
    key = week_key(viewer.workspace, case.contract["contract"], case.monday.isoformat())
    now = datetime.now(UTC)
    week = await edge.db["weeks"].find_one({"_id": key}, session=session)
    if case.state(now) == "locked" or (week and week.get("sealed")):
        words = _("The week is locked."), _("After the lock nothing of a week changes (S-06).")
        raise Problem(409, "week-locked", *words, rule="S-06")
    if week is None:
        words = _("There is no time in this week."), _("Record or add time first.")
        raise Problem(409, "nothing-to-submit", *words, rule="S-10")
    sheet = await edge.db["timesheets"].find_one({"_id": key}, session=session) or _new(viewer, case)
    if sheet["state"] not in move.from_:
        raise _out_of_turn(sheet["state"], move)
    minutes = {name: week[name] for name in timesheets.FIGURES}
    entry = {"at": format_instant(now), "action": move.word, "actor": viewer.member, "reason": reason}
    entry |= {"actor_name": viewer.principal.name, "actor_role": viewer.role}
    changed = {**sheet, "state": move.to, "minutes": minutes, "history": [*sheet["history"], entry]}
    await edge.db["timesheets"].replace_one({"_id": key}, changed, upsert=True, session=session)
    mark = {"$set": {"approved": move.to == "approved", "submitted": move.to == "submitted"}, "$inc": {"version": 1}}
    seen = {"_id": key, "version": week["version"]}
    if not (await edge.db["weeks"].update_one(seen, mark, session=session)).matched_count:
        raise StaleWeek("a week was written by somebody else meanwhile")


def _out_of_turn(state: str, move: _Move) -> Problem:
    if move.to == "submitted":
        kind, advice = "already-approved", _("It is approved: ask for a rejection.")
    else:
        kind, advice = "not-submitted", _("The member submits it first.")
    title = _("The timesheet is {state}.", state=again(_STATES[state]))
    return Problem(409, kind, title, advice, rule="S-10")


def _new(viewer: Viewer, case: Case) -> Document:
    contract, week = case.contract["contract"], case.monday.isoformat()
    who = {"workspace": viewer.workspace, "contract": contract, "member": case.contract["member"], "week": week}
    return {"_id": week_key(viewer.workspace, contract, week), **who, "state": "open", "history": []}


async def _require_alone(edge: Edge, viewer: Viewer) -> None:
    """Nobody approves their own, unless they own or administer the workspace and nobody else could."""
    others = [
        one
        for one in await edge.people.members(viewer.workspace)
        if one["member"] != viewer.member and not one["archived"] and one["role"] in ("owner", "admin")
    ]
    if viewer.role not in ("owner", "admin") or others:
        raise forbidden(_("Nobody approves their own timesheet: ask another owner or admin of the workspace."))


async def _tell(edge: Edge, viewer: Viewer, case: Case, move: _Move, reason: str | None) -> None:
    """A mail to the member (W-07); that it cannot be sent just now takes nothing from the decision."""
    contract, week = case.contract["contract"], case.monday.isoformat()
    values = {"week": week, "contract": case.contract["project"], "decider": viewer.principal.name}
    with speaking(ENGLISH):
        words = {"decision": again(move.word), "reason": _("Reason: {reason}", reason=reason) if reason else ""}
    number = len(case.sheet["history"]) if case.sheet else 0
    asked = Tell(
        workspace=viewer.workspace,
        id=f"timesheet|{contract}|{week}|{number}",
        kind="timesheet_decision",
        member=case.contract["member"],
        values=values | words,
        said={name: [as_told(text)] for name, text in words.items()},
    )
    try:
        await edge.bus.ask("licensing", "tell", asked, timeout=3.0)
    except Problem as problem:
        log.warning("no mail of a timesheet's decision: %s", problem.kind)
