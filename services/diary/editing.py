"""Edits are made here: what somebody asks for is judged, signed, kept, folded and told of in one transaction.

A plan (notes.py, removals.py, manual.py) says what is to be changed; this module does all that every change has in
common. Whatever it touches changes its contract-week's version, so of an edit and the seal of its week one comes first:
the edit is in the seal, or it finds the week sealed and is refused, whole (S-06, S-12).
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from nacl.signing import SigningKey

from services.diary import audit, edits, late
from services.diary.access import Viewer, may_write
from services.diary.documents import Documents, Settled, Step
from services.diary.folding import Folder, Touched, told
from services.diary.people import Workspace
from services.diary.projections import Document, shown_of
from services.diary.sheets import StaleWeek
from services.diary.terms import Terms
from services.diary.weeks import state_of, week_key
from services.kit.bus import Bus
from services.kit.mongo import Database, Session, transaction
from services.kit.outbox import Outbox
from services.kit.problems import Problem, forbidden, invalid, unavailable
from services.wire import subjects
from services.wire.edits import Edit, Kind, write_edit
from services.wire.events import DiaryChanged
from services.wire.language import N_, _
from services.wire.plain import is_plain
from services.wire.slots import format_instant

Result = TypeVar("Result")
_TRIES = 10
_NOT_WHEN_APPROVED: Collection[Kind] = ("removal", "manual", "picture_removal")
_NOT_WHEN_MONITORED: Collection[Kind] = ("note", "removal", "picture_removal")
"""Manual time is the contract's to allow (S-05)."""


class Draft(NamedTuple):
    """What is to be said about one contract-week; ``about`` and ``personal`` as in ``wire.edits.Edit``."""

    kind: Kind
    contract: str
    week: str
    about: dict[str, Any]
    personal: dict[str, Any]
    whatever_the_week: bool = False
    """True where it is allowed in a locked week too: it takes no time (S-08)."""


@dataclass
class Entry:
    """What goes into the audit log; ``captures`` where it is about some, and the ids of the segments it is about."""

    action: str
    detail: str
    captures: Sequence[str] = ()
    segments: Sequence[str] = ()


@dataclass
class Table:
    """What a plan works on: the documents held, the workspace's settings, the moment."""

    held: Documents
    viewer: Viewer
    member: str
    settings: Workspace
    now: datetime
    db: Database
    _weeks: dict[str, Document | None] = field(default_factory=dict)

    @property
    def session(self) -> Session:
        """The transaction."""
        return self.held.session

    def moment(self, slot: str) -> str:
        """The prefix of the member's segments in a slot."""
        return f"{self.viewer.workspace}|{self.member}|{slot}"

    async def refusal(self, contract: str, week: str, *, takes_time: bool) -> Problem | None:
        """Why a contract-week cannot be changed now: locked (S-06), or approved and it would take time (S-08)."""
        key = week_key(self.viewer.workspace, contract, week)
        if key not in self._weeks:
            self._weeks[key] = await self.db["weeks"].find_one({"_id": key}, {"claims": 0}, session=self.session)
        document = self._weeks[key] or {}
        if document.get("sealed") or _is_locked(week, self.settings, self.now):
            return _locked(contract, week)
        return _approved(contract, week) if takes_time and document.get("approved") else None


class Plan(Protocol):
    """What somebody asks for."""

    async def draft(self, table: Table) -> list[Draft]:
        """Reads what it needs and says what is to be changed; a Problem where it cannot be."""

    def note(self, drafts: Sequence[Draft]) -> Sequence[Entry]:
        """What the audit log is to say of it."""


class Outcome(NamedTuple):
    """What a change did, or would do: its edits by ``_id``, and what of the figures it changed."""

    change: str | None
    edits: list[Edit]
    segments: dict[str, list[int]]
    lost: dict[str, int]
    captures: list[str]
    week_totals: list[dict[str, Any]]

    def shown(self) -> dict[str, Any]:
        """As the API answers: minutes by their place in the segment; totals are billable minutes of the week."""
        return {
            "change": self.change,
            "edits": [one.id for one in self.edits] if self.change else [],
            "segments": [{"segment_id": name, "minutes": minutes} for name, minutes in self.segments.items()],
            **self.lost,
            "captures": self.captures,
            "week_totals": self.week_totals,
        }


class Editor:
    """Changes diaries; any number may, at once. ``clock`` gives the present instant."""

    def __init__(self, db: Database, bus: Bus, key: SigningKey, outbox: Outbox) -> None:
        self._db, self._bus, self._key, self._outbox = db, bus, key, outbox
        self._folder = Folder(db)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def make(
        self, viewer: Viewer, plans: Mapping[str, Plan], *, dry_run: bool = False, step: Step | None = None
    ) -> Outcome:
        """Makes a change of what it plans by member, all of it or nothing; ``dry_run`` only says what it would do.

        Raises the Problem that stands against it (S-08, S-12). ``step`` hears how far it is, from 0 to 1.
        """

        async def work(session: Session) -> tuple[Outcome, Touched, Terms, set[str]]:
            held = Documents(self._db, session)
            held.step = step
            return await self._work(held, viewer, plans, dry_run)

        outcome, touched, terms, moments = await self._try(work)
        if dry_run:
            return outcome
        if not await terms.still_hold(self._db):
            touched.merge(await self._folder.refold(moments))
        self._outbox.nudge()
        for (workspace, owner), slots in touched.slots.items():
            change = DiaryChanged(workspace=workspace, member=owner, slots=sorted(slots))
            await self._bus.say(subjects.diary_changed(workspace, owner), change.model_dump_json().encode())
        return outcome

    async def _try(self, work: Callable[[Session], Coroutine[Any, Any, Result]]) -> Result:
        """In a transaction, and again where somebody else wrote a week meanwhile; 503 where that never ends."""
        for _try in range(_TRIES):
            try:
                return await transaction(self._db, work)
            except StaleWeek:
                continue
        raise unavailable(N_("The diary"))

    async def _work(
        self, held: Documents, viewer: Viewer, plans: Mapping[str, Plan], dry_run: bool
    ) -> tuple[Outcome, Touched, Terms, set[str]]:
        session, now = held.session, self.clock()
        settings = Workspace.of(await self._db["workspaces"].find_one({"_id": f"{viewer.workspace}|"}, session=session))
        drafts = {}
        for member, plan in plans.items():
            table = Table(held, viewer, member, settings, now, self._db)
            drafts[member] = await plan.draft(table)
            _require_plain(drafts[member])
            await _require_own_say(table, drafts[member])
            await _require_open(table, drafts[member])
        made = _edits(drafts, viewer, now)
        settled = await self._apply(held, made, now)
        outcome = _outcome(made, held, settled, dry_run)
        if not dry_run:
            await held.write(settled)
            await self._keep(made, session)
            for member, plan in plans.items():
                for entry in plan.note(drafts[member]):
                    await self._note(viewer, member, entry, session)
            _still_open(drafts, settings, self.clock())
        moments = {key.rsplit("|", 2)[0] for key in held.segments.now}
        return outcome, told(held, settled), settled.terms, moments

    async def _apply(self, held: Documents, made: Sequence[Edit], now: datetime) -> Settled:
        await held.read_pictures({key for edit in made for key in edits.pictures_of(edit)})
        named = {
            segment for edit in made for key in edits.pictures_of(edit) for segment in held.pictures.now[key]["named"]
        }
        about = {key for edit in made for key in edits.segments_of(edit)}
        await held.read_segments({key.rsplit("|", 2)[0] for key in named | about})
        for edit in made:
            edits.apply(edit, held.segments.now, held.pictures.now)
        await held.put_all_together(named | about)
        return await held.settle(now, {week_key(one.workspace, one.contract, one.week) for one in made})

    async def _keep(self, made: Sequence[Edit], session: Session) -> None:
        """Keeps the edits, signed, and stages what tells of them."""
        kept = [edits.document_of(one, write_edit(self._key, one)) for one in made]
        if kept:
            await self._db["edits"].insert_many(kept, session=session)
            await self._outbox.stage([("diary.edited", edits.fact_of(one)) for one in kept], session)

    async def _note(self, viewer: Viewer, member: str, entry: Entry, session: Session) -> None:
        about: dict[str, Any] = {"captures": entry.captures, "segments": entry.segments, "detail": entry.detail}
        await audit.note_all(self._db, viewer, entry.action, member, **about, session=session)


async def _require_own_say(table: Table, drafts: Sequence[Draft]) -> None:
    """403 where a draft is of a monitored computer's contract and its user's own (T-02)."""
    if may_write(table.viewer, table.member, monitored=True):
        return
    contracts = {draft.contract for draft in drafts if draft.kind in _NOT_WHEN_MONITORED}
    keys = [f"{table.viewer.workspace}|{one}" for one in contracts]
    where = {"_id": {"$in": keys}, "monitored": True}
    if await table.db["contracts"].find_one(where, {"_id": 1}, session=table.session):
        words = _("This computer is monitored: an admin changes its diary, its user reads it.")
        raise forbidden(words, rule="T-02")


def _require_plain(drafts: Sequence[Draft]) -> None:
    """Memos, labels and reasons go into files that control characters would break."""
    for name, said in ((name, said) for draft in drafts for name, said in draft.personal.items()):
        if said is not None and not is_plain(said):
            raise invalid(_("{field}: text without control characters", field=name), field=name)


async def _require_open(table: Table, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        if not draft.whatever_the_week:
            takes_time = draft.kind in _NOT_WHEN_APPROVED
            if problem := await table.refusal(draft.contract, draft.week, takes_time=takes_time):
                raise problem


def _edits(drafts: Mapping[str, Sequence[Draft]], viewer: Viewer, now: datetime) -> list[Edit]:
    """The drafts as edits of one change; their ids grow with time, so that the later of a second is the later."""
    stamp = f"{int(now.timestamp() * 1000):012x}"
    change = f"chg_{stamp}{secrets.token_hex(5)}"
    return [
        Edit(
            id=f"edt_{stamp}{secrets.token_hex(5)}",
            change=change,
            workspace=viewer.workspace,
            member=member,
            contract=draft.contract,
            week=draft.week,
            at=format_instant(now),
            actor=viewer.member,
            role=viewer.role,
            kind=draft.kind,
            about=draft.about,
            personal=draft.personal,
        )
        for member, own in drafts.items()
        for draft in own
    ]


_LOST = ("tracked_minutes", "billable_minutes", "manual_minutes")


def _outcome(made: Sequence[Edit], held: Documents, settled: Settled, dry_run: bool) -> Outcome:
    segments: dict[str, list[int]] = defaultdict(list)
    for edit in made:
        for segment, minutes, _how in edit.about.get("removed", ()):
            segments[segment] = sorted({*segments[segment], *minutes})
    tracked = _tracked(held.segments.before.values()) - _tracked(held.segments.now.values())
    before = {name: sum(week.week.get(name, 0) for week in settled.weeks) for name in _LOST}
    after = {name: sum(week.figures[name] for week in settled.weeks) for name in _LOST}
    lost = {name: before[name] - after[name] for name in _LOST} | {"tracked_minutes": tracked}
    totals = [
        {
            "contract": week.week["contract"],
            "week": week.week["week"],
            "before": week.week.get("billable_minutes", 0),
            "after": week.figures["billable_minutes"],
        }
        for week in settled.weeks
    ]
    captures = sorted({capture for edit in made for capture, _ in edit.about.get("captures", ())})
    return Outcome(made[0].change if made and not dry_run else None, list(made), dict(segments), lost, captures, totals)


def _tracked(segments: Collection[Document]) -> int:
    return sum(late.sum_figures(one)[0] for one in segments if "figures" in one)


def _still_open(drafts: Mapping[str, Sequence[Draft]], settings: Workspace, now: datetime) -> None:
    """The clock once more, at the end: what was open when it began may have locked meanwhile."""
    for draft in (one for own in drafts.values() for one in own):
        if not draft.whatever_the_week and _is_locked(draft.week, settings, now):
            raise _locked(draft.contract, draft.week)


def _is_locked(week: str, settings: Workspace, now: datetime) -> bool:
    return state_of(date.fromisoformat(week), settings.billing, settings.lock_hour, now) == "locked"


def _locked(contract: str, week: str) -> Problem:
    return Problem(
        409,
        "week-locked",
        _("The week of {monday} is locked.", monday=week),
        _("After its lock nobody changes a week any more (S-06). Nothing of this was done."),
        rule="S-06",
        contract=contract,
        week=week,
    )


def _approved(contract: str, week: str) -> Problem:
    return Problem(
        409,
        "week-approved",
        _("The week of {monday} is approved.", monday=week),
        _("Its time stays as it was approved; have it rejected first (S-08, S-10). Nothing of this was done."),
        rule="S-08",
        contract=contract,
        week=week,
    )


def visible(segments: Mapping[str, Document], key: str) -> dict[str, Any] | None:
    """What a held segment shows; None where there is none, or nothing is left of it."""
    document = segments.get(key)
    return shown_of(document) if document and "shown" in document else None
