"""The weekly summary: once a week is locked, each member who has time in it gets a mail of it (W-07).

Licensing sends it, once for its id, and keeps it unsent where the workspace switched the kind off; what was asked for
stands in ``summaries`` ``workspace|monday|member``, so that no replica asks again.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.diary.people import Workspace
from services.diary.weeks import locks_at
from services.kit.bus import Bus
from services.kit.mongo import Database
from services.kit.problems import Problem
from services.kit.rounds import Rounds
from services.wire.language import _, as_told
from services.wire.requests import Tell

log = logging.getLogger(__name__)
Document = dict[str, Any]

SENT_WITHIN = timedelta(days=2)
"""Later than this after the lock nobody wants to hear of a week: a new installation mails nothing about old ones."""
_LOOK_SECONDS = 60.0


class Summaries(Rounds):
    """The sweep of a replica; ``clock`` gives the present instant."""

    def __init__(self, db: Database, bus: Bus, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._db, self._bus, self._clock = db, bus, clock
        super().__init__(self.look, _LOOK_SECONDS, log, "weekly summaries are sent later", at_once=False)

    async def look(self) -> int:
        """Asks for what is due; how many mails that was. A Problem where licensing does not answer."""
        sent, now = 0, self._clock()
        async for known in self._db["workspaces"].find({"archived": {"$ne": True}}):
            if (monday := due(Workspace.of(known), now)) is not None:
                sent += await self._summarise(str(known["workspace"]), monday.isoformat())
        return sent

    async def _summarise(self, workspace: str, monday: str) -> int:
        weeks = self._db["weeks"].find({"workspace": workspace, "week": monday}, {"claims": 0, "over": 0})
        by_member: dict[str, list[Document]] = defaultdict(list)
        for week in await weeks.to_list(None):
            if week["tracked_minutes"] or week["billable_minutes"]:
                by_member[week["member"]].append(week)
        keys = {f"{workspace}|{monday}|{member}": member for member in sorted(by_member)}
        done = {one["_id"] async for one in self._db["summaries"].find({"_id": {"$in": list(keys)}})}
        contracts = {one["contract"]: one async for one in self._db["contracts"].find({"workspace": workspace})}
        for key, member in keys.items():
            if key not in done:
                await self._tell(workspace, member, monday, lines_of(by_member[member], contracts))
                told: Document = {"$set": {"at": self._clock()}}
                await self._db["summaries"].update_one({"_id": key}, told, upsert=True)
        return len(keys.keys() - done)

    async def _tell(self, workspace: str, member: str, monday: str, lines: list[str]) -> None:
        asked = Tell(
            workspace=workspace,
            id=f"week|{monday}|{member}",
            kind="weekly_summary",
            member=member,
            values={"week": monday, "summary": "\n".join(lines)},
            said={"summary": [as_told(line) for line in lines]},
        )
        try:
            await self._bus.ask("licensing", "tell", asked)
        except Problem as problem:
            if problem.status >= 500:
                raise
            log.warning("no weekly summary: %s", problem.kind)  # of a member who is none any more, say


def due(workspace: Workspace, now: datetime) -> date | None:
    """The Monday of the week that is to be summed up now: locked, and not long ago. Pure."""
    today = now.astimezone(workspace.billing).date()
    monday = today - timedelta(days=today.weekday() + 7)
    lock = locks_at(monday, workspace.billing, workspace.lock_hour)
    return monday if lock <= now < lock + SENT_WITHIN else None


def lines_of(weeks: Iterable[Mapping[str, Any]], contracts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line a contract, the longest first, and the sum of several, in the language that is spoken. Pure."""
    rows = sorted(weeks, key=lambda one: (-one["tracked_minutes"], one["contract"]))
    lines = []
    for one in rows:
        project = contracts.get(one["contract"], {}).get("project") or _("A contract")
        lines.append(_line(project, one["tracked_minutes"], one["billable_minutes"], one["over_limit_minutes"]))
    if len(rows) > 1:
        sums = [
            sum(one[name] for one in rows) for name in ("tracked_minutes", "billable_minutes", "over_limit_minutes")
        ]
        lines.append(_line(_("Together"), *sums))
    return lines


def in_words(weeks: Iterable[Mapping[str, Any]], contracts: Mapping[str, Mapping[str, Any]]) -> str:
    """The lines of ``lines_of`` as one text. Pure."""
    return "\n".join(lines_of(weeks, contracts))


def _line(project: str, tracked: int, billable: int, over: int) -> str:
    shown = {"project": project, "recorded": _hours(tracked), "billable": _hours(billable)}
    if not over:
        return _("{project}: {recorded} recorded, {billable} billable", **shown)
    return _(
        "{project}: {recorded} recorded, {billable} billable, {over} over the weekly limit", **shown, over=_hours(over)
    )


def _hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
