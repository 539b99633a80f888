"""Changing a diary: memo and label, removals, manual time, and what was changed (S-04, S-05, S-07, S-08, S-12)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, Field, StringConstraints

from services.diary import changes, days, history
from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import answer, listed
from services.diary.api.bodies import body_schema, identifier, read_body, take
from services.diary.changes import Span
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.manual import ManualTime
from services.kit.problems import Problem, invalid
from services.wire.events import Id, Strict, Text
from services.wire.language import N_, _

router = APIRouter(prefix=API)
_SAID = ("memo", "label")
_Viewer = Annotated[Viewer, Depends(current_viewer)]
SegmentId = Annotated[str, StringConstraints(max_length=110)]
Reason = Annotated[str, StringConstraints(max_length=1000)]


def _or_nothing(text: str | None) -> str | None:
    """Blank text says nothing: it must not protect a segment as a memo does (S-09)."""
    return text if text and text.strip() else None


Memo = Annotated[Text | None, AfterValidator(_or_nothing)]
Label = Annotated[Annotated[str, StringConstraints(max_length=100)] | None, AfterValidator(_or_nothing)]


class Chosen(Strict):
    """Segments by id, or all that start in [from, to), of one contract or of all."""

    segment_ids: Annotated[list[SegmentId], Field(min_length=1, max_length=2000)] | None = None
    start: str | None = Field(default=None, max_length=40, alias="from")
    end: str | None = Field(default=None, max_length=40, alias="to")
    contract: Id | None = None

    def segments(self) -> list[str] | Span | None:
        """What was chosen; None: nothing, or not in one way."""
        if self.segment_ids is not None:
            return None if self.start or self.end or self.contract else self.segment_ids
        return Span(self.start, self.end, self.contract) if self.start and self.end else None


class NoteBody(Chosen):
    """Memo, label or both; null or blank for nothing any more. What is left out stays."""

    memo: Memo = None
    label: Label = None


class RemovalBody(Chosen):
    """Segments, or captures with what goes with them; ``dry_run`` only says what would be lost."""

    capture_ids: Annotated[list[Id], Field(min_length=1, max_length=2000)] | None = None
    reason: Reason | None = None
    dry_run: bool = False


class ManualBody(Strict):
    """Manual time; ``start`` and ``end`` are instants on the minute."""

    contract: Id
    kind: Literal["work", "break", "private"] = "work"
    start: Annotated[str, StringConstraints(max_length=40)]
    end: Annotated[str, StringConstraints(max_length=40)]
    reason: Reason | None = None
    memo: Memo = None
    label: Label = None


@router.patch("/diary/{member}/segments", dependencies=[gate(Action.CHANGE_LABEL)], openapi_extra=body_schema(NoteBody))
async def note(request: Request, member: str, viewer: _Viewer) -> Response:
    """Memo and label of one or many segments, all or none; 409 where a week is locked (S-04, S-12).

    Of more than 1,000: 202, and an operation to be polled.
    """
    body = take(NoteBody, await read_body(request))
    said: dict[str, str | None] = {name: getattr(body, name) for name in _SAID if name in body.model_fields_set}
    if not said:
        raise invalid(_("memo, label: say at least one of them"), field="memo")
    if (segments := body.segments()) is None:
        raise _choose()
    return _answer(await changes.note(edge_of(request), viewer, identifier(member, N_("member")), segments, said))


@router.delete("/diary/{member}/segments/{segment_id}", dependencies=[gate(Action.REMOVE_TIME)])
async def remove_segment(request: Request, member: str, segment_id: str, viewer: _Viewer) -> Response:
    """A segment goes with its time and captures, for good (S-08); says what went."""
    member = identifier(member, N_("member"))
    return answer(await changes.remove(edge_of(request), viewer, member, segments=[segment_id[:110]]))


@router.post(
    "/diary/{member}/removals", dependencies=[gate(Action.REMOVE_PICTURE)], openapi_extra=body_schema(RemovalBody)
)
async def remove(request: Request, member: str, viewer: _Viewer) -> Response:
    """Segments or captures go, all or none (S-08, S-12); with ``dry_run`` it only says exactly what would be lost."""
    body = take(RemovalBody, await read_body(request))
    segments = body.segments()
    if (segments is None) == (body.capture_ids is None):
        raise _choose()
    return _answer(
        await changes.remove(
            edge_of(request),
            viewer,
            identifier(member, N_("member")),
            segments=segments or (),
            captures=body.capture_ids or (),
            reason=body.reason,
            dry_run=body.dry_run,
        )
    )


@router.post(
    "/diary/{member}/manual-time",
    status_code=201,
    dependencies=[gate(Action.ADD_TIME)],
    openapi_extra=body_schema(ManualBody),
)
async def add_manual(request: Request, member: str, viewer: _Viewer) -> Response:
    """Manual time (S-05); 409 names what it would overlap."""
    body = take(ManualBody, await read_body(request))
    entry = ManualTime(**body.model_dump())
    return answer(await changes.add_manual(edge_of(request), viewer, identifier(member, N_("member")), entry), 201)


@router.get("/diary/{member}/manual-time", dependencies=[gate(Action.READ_DIARY)])
async def list_manual(
    request: Request,
    member: str,
    viewer: _Viewer,
    first: Annotated[str, Query(alias="from")],
    last: Annotated[str, Query(alias="to")],
) -> Response:
    """The manual entries from one day to another, both included, in the billing zone."""
    found: list[Any] = await changes.list_manual(
        edge_of(request), viewer, identifier(member, N_("member")), first, last
    )
    return listed(found)


@router.delete("/diary/{member}/manual-time/{id}", dependencies=[gate(Action.ADD_TIME)])
async def remove_manual(request: Request, member: str, id: str, viewer: _Viewer) -> Response:
    """A manual entry goes, whole."""
    member, entry = identifier(member, N_("member")), identifier(id, N_("manual entry"))
    return answer(await changes.remove_manual(edge_of(request), viewer, member, entry))


@router.get("/diary/{member}/edits", dependencies=[gate(Action.READ_DIARY)])
async def list_edits(
    request: Request,
    member: str,
    viewer: _Viewer,
    first: Annotated[str | None, Query(alias="from", max_length=10, description="the first day")] = None,
    last: Annotated[str | None, Query(alias="to", max_length=10, description="the last day")] = None,
    segment: Annotated[str | None, Query(max_length=110)] = None,
    before: Annotated[str | None, Query(max_length=60, pattern=r"^edt_[0-9a-f]+$", description="the `next`")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Who changed what in these days of the diary (both included, in the billing zone), or in a segment, and when; the
    latest first (G-02). ``segments`` have the ``minutes`` that were taken or entered, ``changed`` names the words that
    were changed and ``said`` has them, null for a client and where they were erased.
    """
    edge, member = edge_of(request), identifier(member, N_("member"))
    asked = await history.asked_for(edge, viewer, first, last, segment, before)
    if asked is None:
        await days.see(edge, viewer, Action.READ_DIARY, member)
        return listed([])  # an unknown id in a filter matches nothing
    return listed(*await history.edits_of(edge, viewer, member, asked, limit))


def _choose() -> Problem:
    return invalid(_("segment_ids, or from and to, or capture_ids: one of them"), field="segment_ids")


def _answer(found: dict[str, Any]) -> Response:
    """What was done; or 202 with the operation that does it, and where to ask how far it is."""
    if "operation" not in found:
        return answer(found)
    response = answer(found, 202)
    response.headers["Location"] = f"/api/v1/operations/{found['operation']}"
    return response
