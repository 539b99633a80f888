"""A statement: a sealed week with all that it is made of, gathered and checked before it is handed out (S-07, B-01).

Whoever may read a timesheet may export its statement; every export is in the audit log (G-02). A client gets records
and edits without their details: the totals hold without them (decision 0006).
"""

import base64
import logging
from typing import Any, NamedTuple

from services.diary import audit, evidence, timesheets
from services.diary.access import Action, Viewer
from services.diary.edge import Edge
from services.diary.evidence import Missing
from services.diary.projections import shown_of
from services.diary.sealing import Disagrees, NotLocked
from services.diary.sheets import StaleWeek
from services.diary.timesheets import Case
from services.diary.weeks import week_key
from services.kit.problems import Problem, unavailable
from services.wire.edits import Signed, read_edit
from services.wire.language import N_, _
from services.wire.proof import ProofError
from services.wire.reckoning import Line
from services.wire.seals import About
from services.wire.statements import Bundle, Checked, check_bundle

log = logging.getLogger(__name__)
Document = dict[str, Any]
_WITHOUT_DETAILS = frozenset({"client"})


class Said(NamedTuple):
    """What the diary shows of a segment beside its minutes."""

    memo: str | None
    label: str | None
    protected: bool


class Statement(NamedTuple):
    """A sealed week: what is proved, and what is shown with it; ``said`` by segment id."""

    case: Case
    bundle: Bundle
    checked: Checked
    about: About
    said: dict[str, Said]

    @property
    def name(self) -> str:
        """What its files are called, without their endings."""
        seal = self.checked.seal
        return f"statement-{seal.contract}-{seal.week}"

    def said_of(self, line: Line) -> Said:
        """What is shown of a line; nothing where it is not in the diary any more (G-03)."""
        return self.said.get(line.segment_id, Said(None, None, protected=False))


async def read(edge: Edge, viewer: Viewer, contract: str, week: str) -> Statement:
    """The statement of a locked week; it is sealed now where nobody has come to that yet.

    404 and 403 as for its timesheet; 409 ``not-locked``, ``nothing-to-seal`` or ``cannot-be-sealed``.
    """
    case = await timesheets.find(edge, viewer, contract, week, Action.EXPORT_STATEMENT)
    seal = await _sealed(edge, viewer, case)
    span = tuple(seal["span"] or ("", ""))
    places = {(device, seq) for device, seq in seal["records"]}
    try:
        records = await evidence.records(edge.bus, viewer.workspace, places, (span[0], span[1]))
    except Missing as error:
        log.error("records of a sealed week are missing: %s", error)
        raise unavailable(N_("The ledger")) from error
    edits = await _edits(edge, seal)
    signed = [Signed(one.record, one.detail, one.signature) for one in records]
    if viewer.role in _WITHOUT_DETAILS:
        signed, edits = _bare(signed), _bare(edits)
    public = base64.b64encode(edge.settings.seal_public).decode()
    bundle = Bundle(seal["text"], seal["signature"], public, seal["about"], signed, edits)
    checked = _checked(edge, bundle)
    about = checked.about or About("", case.contract["member"], None, case.contract["project"])
    return Statement(case, bundle, checked, about, await _said(edge, viewer.workspace, checked))


async def note(edge: Edge, viewer: Viewer, statement: Statement, form: str) -> None:
    """Writes the export into the audit log, before anything is handed out (G-02)."""
    seal = statement.checked.seal
    detail = f"{seal.contract} {seal.week} {form}"
    await audit.note(edge.db, viewer, "statement.exported", seal.member, detail=detail)


async def _sealed(edge: Edge, viewer: Viewer, case: Case) -> Document:
    key = week_key(viewer.workspace, case.contract["contract"], case.monday.isoformat())
    try:
        seal = await edge.sealer.seal(key)
    except NotLocked as error:
        detail = _("A week is sealed a minute after its lock, the Monday after it (S-06).")
        raise Problem(409, "not-locked", _("The week is not locked yet."), detail, rule="S-06") from error
    except (Missing, StaleWeek) as error:
        raise unavailable(N_("What the week is made of")) from error
    except (Disagrees, ProofError) as error:
        log.error("a week cannot be sealed: %s", error)
        detail = _("Its figures do not agree with its records. The operators have been told.")
        raise Problem(409, "cannot-be-sealed", _("The week cannot be sealed."), detail) from error
    if seal is None:
        words = _("There is no time in this week."), _("Nothing is billed for it.")
        raise Problem(409, "nothing-to-seal", *words)
    return seal


async def _edits(edge: Edge, seal: Document) -> list[Signed]:
    found = await evidence.edits_of_seal(edge.db, seal)
    read_ = [(read_edit(edge.settings.seal_public, one), one) for one in found]
    return [one for _, one in sorted(read_, key=lambda pair: (pair[0].at, pair[0].id))]


def _bare(signed: list[Signed]) -> list[Signed]:
    return [one._replace(detail=None) for one in signed]


def _checked(edge: Edge, bundle: Bundle) -> Checked:
    """Nothing is handed out that its reader would find wrong."""
    try:
        return check_bundle(bundle, edge.settings.seal_public)
    except ProofError as error:
        log.error("a statement does not hold: %s", error)
        detail = _("It is not handed out. The operators have been told.")
        raise Problem(409, "does-not-hold", _("The statement does not hold."), detail) from error


async def _said(edge: Edge, workspace: str, checked: Checked) -> dict[str, Said]:
    seal, keys = checked.seal, {}
    for line in checked.reckoned.lines:
        contract, device, slot = line.segment_id.split(":", 2)
        keys[f"{workspace}|{seal.member}|{slot}|{contract}|{device}"] = line.segment_id
    said = {}
    async for one in edge.db["segments"].find({"_id": {"$in": list(keys)}}, {"shown": 1}):
        shown = shown_of(one)
        if "minutes" in shown:
            said[keys[one["_id"]]] = Said(shown["memo"], shown["label"], shown["protected"])
    return said
