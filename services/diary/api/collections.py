"""Members, teams, clients, contracts, licences, policies, devices and workspaces: licensing's, asked over the bus.

The edge adds who is asking, from the session and never from the body, and keeps out the roles that have no business
there; what somebody may see or change within a collection, licensing decides.
"""

from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Depends, Request, Response

from services.diary.access import Action, Verb, Viewer, may_ask, of_collection
from services.diary.api import API
from services.diary.api.answers import answer, listed
from services.diary.api.bodies import as_body, identifier, read_body
from services.diary.edge import client_address, current_viewer, edge_of, gate
from services.diary.queries import filters
from services.kit.problems import forbidden, not_found
from services.wire import collections
from services.wire.requests import Change, Collection, Create, Read, singular

router = APIRouter(prefix=API)
#: the filters and bodies of each collection, as licensing takes them
TAKEN = collections.read()


def _allow(viewer: Viewer, verb: Verb, collection: Collection) -> None:
    if not may_ask(viewer, verb, collection):
        action = of_collection(collection, verb)
        raise forbidden(**({"rule": action.rule} if action else {}))


async def read_all(request: Request, viewer: Viewer, collection: Collection) -> list[dict[str, Any]]:
    """What the viewer may see of a collection, narrowed by the query's filters."""
    _allow(viewer, "read", collection)
    return await collected(request, viewer, collection, dict(request.query_params))


async def collected(
    request: Request, viewer: Viewer, collection: Collection, filters: dict[str, str]
) -> list[dict[str, Any]]:
    """All of a collection that the viewer may see, however many answers of licensing that takes."""
    items: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        asked = Read(principal=viewer.principal, collection=collection, filters=filters, after=after)
        found = await edge_of(request).bus.ask("licensing", "read", asked)
        items += found["items"]
        if (after := found.get("next")) is None:
            return items


async def read_one(request: Request, viewer: Viewer, collection: Collection, id: str) -> dict[str, Any]:
    """One object; 404 where it is unknown or another tenant's."""
    _allow(viewer, "read", collection)
    asked = Read(principal=viewer.principal, collection=collection, id=identifier(id, singular(collection)))
    found = await edge_of(request).bus.ask("licensing", "read", asked)
    items = found["items"]
    if not items:
        raise not_found(singular(collection))
    return cast(dict[str, Any], items[0])


def _routes(collection: Collection) -> None:
    one = singular(collection)
    reads, creates, changes = (of_collection(collection, verb) for verb in get_args(Verb))
    if reads is None:
        return

    @router.get(
        f"/{collection}",
        name=f"list_{collection}",
        openapi_extra=filters(TAKEN[collection]["filters"]),
        dependencies=[gate(reads)],
    )
    async def read(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        return listed(await read_all(request, viewer, collection))

    @router.get(f"/{collection}/{{id}}", name=f"read_{one}", dependencies=[gate(reads)])
    async def get(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        return answer(await read_one(request, viewer, collection, id))

    if creates and collection not in _MADE_ELSEWHERE:
        _creating(collection, one, creates)
    if changes:
        _changing(collection, one, changes)


def _creating(collection: Collection, one: str, action: Action) -> None:
    @router.post(
        f"/{collection}",
        name=f"create_{one}",
        status_code=201,
        openapi_extra=as_body(TAKEN[collection]["create"]),
        dependencies=[gate(action)],
    )
    async def create(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        asked = Create(
            principal=viewer.principal,
            collection=collection,
            body=await read_body(request),
            address=client_address(request),
        )
        return answer(await edge_of(request).bus.ask("licensing", "create", asked), 201)


def _changing(collection: Collection, one: str, action: Action) -> None:
    @router.patch(
        f"/{collection}/{{id}}",
        name=f"change_{one}",
        openapi_extra=as_body(TAKEN[collection]["change"]),
        dependencies=[gate(action)],
    )
    async def change(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        asked = Change(
            principal=viewer.principal,
            collection=collection,
            id=identifier(id, one),
            body=await read_body(request),
            address=client_address(request),
        )
        return answer(await edge_of(request).bus.ask("licensing", "change", asked))


#: An import is a file (member_files.py).
_MADE_ELSEWHERE: tuple[Collection, ...] = ("imports",)

for _collection in get_args(Collection):
    _routes(_collection)
