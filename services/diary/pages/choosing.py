"""Choosing somebody in a form: a plain list where they are few, else a search whose matches are a short list.

One way for all forms. The list is a real one (``select``), so keys and screen readers know it; a search sends for its
options (htmx), and without script its button loads the page again with everything that was typed (``sent_by``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from services.diary.access import Action, Viewer
from services.diary.edge import current_viewer, edge_of, gate
from services.diary.pages import asking
from services.diary.pages.forms import Sent
from services.diary.pages.listing import folded, search
from services.diary.pages.render import render
from services.kit.problems import Problem, not_found
from services.wire.language import N_, _, number

router = APIRouter(include_in_schema=False)
_SomeViewer = Annotated[Viewer, Depends(current_viewer)]
FEW = 100
"""So many fit into a plain list."""
_MOST_MATCHES = 50
Kind = Literal["members", "clients", "people"]


@dataclass(frozen=True)
class Choice:
    """What can be chosen in a field. ``options`` are (value, words); ``words`` say how many there are beyond them.

    ``many``: any number of them, in boxes to tick.
    """

    kind: Kind
    field: str
    options: Sequence[tuple[str, str]]
    chosen: Collection[str] = ()
    many: bool = False
    q: str = ""
    searched: bool = False
    words: str = ""

    def address(self, label: str, size: int) -> str:
        """What a search asks with, beside its words and what is chosen."""
        none = "" if self.many or not self.options else self.options[0][1]
        asked = {"field": self.field, "none": none, "label": label, "size": size, "many": "yes" if self.many else ""}
        return urlencode(asked)


def choice(
    kind: Kind,
    people: Iterable[Mapping[str, Any]],
    field: str,
    chosen: Collection[str] | str = "",
    q: str = "",
    *,
    none: str = "",
    many: bool = False,
) -> Choice:
    """The choice among ``people`` (as the projection keeps members), those chosen always with them. Pure."""
    picked = {chosen} if isinstance(chosen, str) else frozenset(chosen)
    there = sorted((one for one in people if _stands(kind, one)), key=lambda one: folded(str(one["name"])))
    first = [] if many else [("", none or _("Choose"))]
    if len(there) <= FEW:
        return Choice(kind, field, [*first, *((one["member"], str(one["name"])) for one in there)], picked, many)
    found = search(there, q, ("name", "email"))
    mine = [one for one in there if one["member"] in picked]
    matches = [one for one in found if one["member"] not in picked][:_MOST_MATCHES]
    options = [*first, *((one["member"], _words(one)) for one in (*mine, *matches))]
    said = _counts(bool(q), len(found) > _MOST_MATCHES).format(count=number(len(found)), most=_MOST_MATCHES)
    return Choice(kind, field, options, picked, many, q, searched=True, words=said)


def _counts(searched: bool, more: bool) -> str:
    """How many there are, and whether there are more than are listed."""
    if searched:
        return _("{count} match; the first {most} are listed.") if more else _("{count} match.")
    return _("{count} in all; the first {most} are listed.") if more else _("{count} in all.")


def _stands(kind: Kind, one: Mapping[str, Any]) -> bool:
    if kind == "people":
        return True
    return not one["archived"] and (one["role"] == "client") == (kind == "clients")


def _words(one: Mapping[str, Any]) -> str:
    return f"{one['name']}, {one['email']}" if one["email"] else str(one["name"])


async def people_of(request: Request, viewer: Viewer, *chosen: str) -> list[dict[str, Any]]:
    """A workspace's members as the diary knows them, and those chosen whom it has not heard of yet (W-03)."""
    people = list(await edge_of(request).people.members(viewer.workspace))
    for id in set(filter(None, chosen)) - {one["member"] for one in people}:
        try:
            one = await asking.one(request, viewer, "members", id)
        except Problem as problem:
            if problem.status not in (404, 422):
                raise
        else:
            people.append({**one, "member": one["id"]})
    return people


def sent_by(request: Request) -> Sent:
    """What a form's search sent along, so that nothing that was typed is lost."""
    return Sent(FormData([(name, value) for name, value in request.query_params.multi_items()]))


@router.get("/choices/{kind}", dependencies=[gate(Action.CREATE_CONTRACTS)])
async def choices(request: Request, kind: str, viewer: _SomeViewer, field: str = "") -> HTMLResponse:
    """The matches of a search, as the list that takes the place of the one before."""
    if kind not in ("members", "clients", "people") or not field.isidentifier():
        raise not_found(N_("page"))
    asked, sent = request.query_params, sent_by(request)
    chosen, many = sent.many(field), sent.text("many") == "yes"
    people = await people_of(request, viewer, *chosen[:1])
    q, none, label = (asked.get(name, "")[:100] for name in (f"{field}_q", "none", "label"))
    found = choice(kind, people, field, chosen, q, none=none, many=many)  # type: ignore[arg-type]
    size = 1 if asked.get("size") == "1" else 6
    return HTMLResponse(render("choices.html", choice=found, id=f"f-{field}", label=label, size=size))
