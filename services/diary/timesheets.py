"""Timesheets: a contract's week as the API and the pages show it, and the list of them (S-10, V-06).

Figures come from the contract-week (``weeks``), what people decided from ``timesheets``, the seal from ``seals``; all
three have ``_id`` = ``workspace|contract|monday``.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from services.diary import days
from services.diary.access import Action, Viewer, sight
from services.diary.edge import Edge
from services.diary.late import sum_figures
from services.diary.people import Workspace
from services.diary.projections import FIGURES as FIGURED
from services.diary.weeks import adjusted_days, days_of, locks_at, state_of, term_in, week_key
from services.kit.problems import forbidden, invalid, not_found
from services.wire import slots
from services.wire.billing import amount_minor, line_amounts
from services.wire.language import N_, _

Document = dict[str, Any]
FIGURES = (
    *("tracked_minutes", "active_minutes", "billable_minutes"),
    *("automatic_minutes", "manual_minutes", "over_limit_minutes"),
)
PAGE = 200


class Case(NamedTuple):
    """A contract's week with all that is known of it; ``week``, ``sheet`` and ``seal`` None: there is none."""

    contract: Document
    monday: date
    workspace: Workspace
    week: Document | None
    sheet: Document | None
    seal: Document | None

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the week is billed by, its own where it has time, else the contract's of now."""
        kept = self.week["terms"] if self.week else {"billing_unit": self.workspace.billing_unit}
        agreed = {name: self.contract[name] for name in ("rate_minor", "currency")}
        limit = {"limit_minutes": self.contract["weekly_limit_minutes"]}
        return {**agreed, **limit, **kept}

    @property
    def totals(self) -> dict[str, int]:
        """The week's figures in integer minutes."""
        return {name: self.week[name] if self.week else 0 for name in FIGURES}

    def state(self, now: datetime) -> str:
        """open, submitted, approved; locked by the clock alone, whatever was decided."""
        by_clock = state_of(self.monday, self.workspace.billing, self.workspace.lock_hour, now)
        return by_clock if by_clock == "locked" or not self.sheet else str(self.sheet["state"])

    def rejected(self, now: datetime) -> bool:
        """Whether it was sent back, and nobody has submitted it since (S-10)."""
        history = self.sheet["history"] if self.sheet else []
        return self.state(now) == "open" and bool(history) and history[-1]["action"] == "rejected"

    def rejected_because(self, now: datetime) -> str | None:
        """The reason that it was sent back with; None where it was not."""
        return str(self.sheet["history"][-1]["reason"]) if self.sheet and self.rejected(now) else None


async def find(edge: Edge, viewer: Viewer, contract: str, week: str, action: Action = Action.READ_TIMESHEET) -> Case:
    """The timesheet where the viewer may do this to it: 404 for what is unknown or out of reach, 403 by role."""
    monday = read_monday(week)
    found = await edge.people.contract(viewer.workspace, contract)
    if found is None:
        raise not_found(N_("contract"))
    member = await edge.people.member(viewer.workspace, found["member"])
    allowed = sight(viewer, action, found["member"], member["team"] if member else None)
    if allowed is None:
        raise forbidden()
    if not allowed.shows(contract):
        raise not_found(N_("contract"))
    return await _case(edge, viewer.workspace, found, monday)


def read_monday(text: str) -> date:
    """The Monday that names a week; 422 for another day or no date."""
    monday = days.read_date(text, "week")
    if monday.weekday():
        raise invalid(_("week: the date of a Monday"), field="week")
    return monday


async def _case(edge: Edge, workspace: str, contract: Document, monday: date) -> Case:
    key = {"_id": week_key(workspace, contract["contract"], monday.isoformat())}
    return Case(
        contract,
        monday,
        await edge.people.workspace(workspace),
        await edge.db["weeks"].find_one(key),
        await edge.db["timesheets"].find_one(key),
        await edge.db["seals"].find_one(key, {"text": 0, "records": 0}),
    )


async def whole(edge: Edge, case: Case) -> Document:
    """A timesheet as the API answers it, whether it is read or was just decided: ``show`` with the attendance."""
    return {**show(case, datetime.now(UTC)), "attendance": await attendance(edge, case)}


def show(case: Case, now: datetime) -> Document:
    """A timesheet: brief, with its days, history and seal."""
    terms, zone = case.terms, case.workspace.billing
    sheet, over = (case.week["claims"], frozenset(case.week["over"])) if case.week else ({}, frozenset[str]())
    contract, hourly = case.contract["contract"], terms["rate_minor"] is not None
    asked = (sheet, over, contract, terms["billing_unit"], case.monday, zone)
    late = adjusted_days(*asked, hourly=hourly, term=term_in(terms))
    return {
        **brief(case, now),
        "zone": zone.key,
        "locks_at": slots.format_instant(locks_at(case.monday, zone, case.workspace.lock_hour)),
        "days": _with_amounts(days_of(*asked, hourly=hourly, term=term_in(terms)), late, terms["rate_minor"]),
        "adjustments": late,
        "history": list(case.sheet["history"]) if case.sheet else [],
    }


def _with_amounts(week: Sequence[Document], late: Sequence[Document], rate_minor: int | None) -> list[dict[str, Any]]:
    """The days with what each adds to the amount; late time of other weeks comes first, by the clock (S-03)."""
    lines = [*late, *week]
    amounts = line_amounts([one["billable_minutes"] for one in lines], rate_minor or 0)
    for line, amount in zip(lines, amounts, strict=True):
        line["amount_minor"] = amount if rate_minor is not None else None
    return list(week)


_ATTENDANCE = ("office_minutes", "work_minutes", "break_minutes", "private_minutes", "idle_minutes")


async def attendance(edge: Edge, case: Case) -> Document:
    """Office and work time, breaks, private and idle time on the contract, by day and in the week (A-01): when they
    were, wherever they are billed.
    """
    zone, contract = case.workspace.billing, case.contract
    start, end = (slots.format_instant(one) for one in slots.week_bounds(case.monday, zone))
    head = f"{contract['workspace']}|{contract['member']}|"
    span = {"_id": {"$gte": head + start, "$lt": head + end}, "shown": {"$exists": True}}
    asked = {"figures": 1, "further.figures": 1}
    days_ = {str(case.monday + timedelta(days=step)): dict.fromkeys(_ATTENDANCE, 0) for step in range(7)}
    async for one in edge.db["segments"].find(span, asked):
        _, _, slot, of, _ = one["_id"].split("|")
        if of == contract["contract"]:
            figures = dict(zip(FIGURED, sum_figures(one), strict=True))
            day = days_[slots.day_of(slots.parse_slot(slot), zone).isoformat()]
            day.update({name: day[name] + figures[name] for name in _ATTENDANCE})
    totals = {name: sum(day[name] for day in days_.values()) for name in _ATTENDANCE}
    return {"totals": totals, "days": [{"date": day, **figures} for day, figures in days_.items()]}


def brief(case: Case, now: datetime) -> Document:
    """A timesheet in a list. ``amount_minor`` None: not hourly; ``changed_since``: minutes moved after it was
    submitted or approved.
    """
    totals, terms = case.totals, case.terms
    rate = terms["rate_minor"]
    return {
        "contract": case.contract["contract"],
        "project": case.contract["project"],
        "member": case.contract["member"],
        "client": case.contract["client"],
        "week": case.monday.isoformat(),
        "state": case.state(now),
        "approved": bool(case.sheet and case.sheet["state"] == "approved"),
        "rejected": case.rejected(now),
        "rejected_because": case.rejected_because(now),
        "changed_since": bool(case.sheet and case.sheet["state"] != "open" and case.sheet["minutes"] != totals),
        "limit_minutes": terms["limit_minutes"],
        "billing_unit": terms["billing_unit"],
        **term_in(terms)._asdict(),
        "totals": totals,
        "currency": terms["currency"],
        "rate_minor": rate,
        "amount_minor": None if rate is None else amount_minor(totals["billable_minutes"], rate),
        "seal": _seal(case.seal),
    }


def _seal(seal: Document | None) -> Document | None:
    names = ("root", "sealed_at", "leaves", "previous", "number")
    return {name: seal[name] for name in names} if seal else None


async def listed(
    edge: Edge,
    viewer: Viewer,
    *,
    week: str | None = None,
    member: str | None = None,
    contract: str | None = None,
    state: str | None = None,
    before: str | None = None,
) -> tuple[list[Document], str | None]:
    """Timesheets with time in them that the viewer may see, newest week first, and the ``before`` of the next ones.

    An unknown or foreign id matches nothing.
    """
    seen = await _contracts_in_sight(edge, viewer)
    wanted = [one for one in seen if member in (None, one["member"]) and contract in (None, one["contract"])]
    by_contract = {one["contract"]: one for one in wanted}
    if not by_contract:
        return [], None
    where: Document = {"workspace": viewer.workspace, "member": {"$in": sorted({one["member"] for one in wanted})}}
    where["contract"] = {"$in": sorted(by_contract)}
    weeks = {"$lt": before} if before is not None else {}
    where |= {"week": read_monday(week).isoformat()} if week is not None else {"week": weeks} if weeks else {}
    found = await edge.db["weeks"].find(where, {"claims": 0}).sort([("week", -1), ("contract", 1)]).to_list(PAGE + 1)
    found, following = _whole_weeks(found)
    cases = await _cases(edge, viewer.workspace, by_contract, found)
    now = datetime.now(UTC)
    items = [brief(case, now) for case in cases if state in (None, case.state(now))]
    return items, following


def _whole_weeks(found: list[Document]) -> tuple[list[Document], str | None]:
    """No week is torn apart by a page, unless it fills one alone."""
    if len(found) <= PAGE:
        return found, None
    torn = found[-1]["week"]
    whole = [one for one in found if one["week"] != torn] or found[:PAGE]
    return whole, whole[-1]["week"]


async def _contracts_in_sight(edge: Edge, viewer: Viewer) -> list[Document]:
    teams = {one["member"]: one["team"] for one in await edge.people.members(viewer.workspace)}
    found = []
    for one in await edge.people.contracts(viewer.workspace):
        allowed = sight(viewer, Action.READ_TIMESHEET, one["member"], teams.get(one["member"]))
        if allowed is not None and allowed.shows(one["contract"]):
            found.append(one)
    return found


async def _cases(
    edge: Edge, workspace: str, contracts: Mapping[str, Document], weeks: Sequence[Document]
) -> list[Case]:
    settings, keys = await edge.people.workspace(workspace), [one["_id"] for one in weeks]
    wanted = {"_id": {"$in": keys}}
    sheets = {one["_id"]: one async for one in edge.db["timesheets"].find(wanted, {"history": {"$slice": -1}})}
    briefly = {"root": 1, "sealed_at": 1, "leaves": 1, "previous": 1, "number": 1}
    seals = {one["_id"]: one async for one in edge.db["seals"].find(wanted, briefly)}
    return [
        Case(
            contracts[one["contract"]],
            date.fromisoformat(one["week"]),
            settings,
            one,
            sheets.get(one["_id"]),
            seals.get(one["_id"]),
        )
        for one in weeks
    ]
