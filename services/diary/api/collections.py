"""Members, teams, clients, contracts, licences, policies, devices and workspaces: licensing's, asked over the bus.

The edge adds who is asking, from the session and never from the body, and keeps out the roles that have no business
there; what somebody may see or change within a collection, licensing decides.
"""

from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Depends, Request, Response

from services.diary.access import Action, Viewer, may_ask
from services.diary.api.answers import answer, listed
from services.diary.api.bodies import identifier, read_body
from services.diary.edge import client_address, current_viewer, edge_of
from services.kit.problems import forbidden, not_found
from services.wire.requests import Change, Collection, Create, Read

router = APIRouter()
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


def _allow(viewer: Viewer, action: Action, collection: Collection) -> None:
    if not may_ask(viewer, action, collection):
        raise forbidden()


async def read_all(request: Request, viewer: Viewer, collection: Collection) -> list[dict[str, Any]]:
    """What the viewer may see of a collection, narrowed by the query's filters."""
    _allow(viewer, Action.READ, collection)
    asked = Read(principal=viewer.principal, collection=collection, filters=dict(request.query_params))
    found = await edge_of(request).bus.ask("licensing", "read", asked)
    return cast(list[dict[str, Any]], found["items"])


async def read_one(request: Request, viewer: Viewer, collection: Collection, id: str) -> dict[str, Any]:
    """One object; 404 where it is unknown or another tenant's."""
    _allow(viewer, Action.READ, collection)
    asked = Read(principal=viewer.principal, collection=collection, id=identifier(id, collection[:-1]))
    found = await edge_of(request).bus.ask("licensing", "read", asked)
    items = found["items"]
    if not items:
        raise not_found(collection[:-1])
    return cast(dict[str, Any], items[0])


def _routes(collection: Collection) -> None:
    one = collection.removesuffix("s")

    @router.get(f"/{collection}", name=f"list_{collection}")
    async def read(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        return listed(await read_all(request, viewer, collection))

    @router.get(f"/{collection}/{{id}}", name=f"read_{one}")
    async def get(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        return answer(await read_one(request, viewer, collection, id))

    if collection in _READ_ONLY:
        return

    @router.post(f"/{collection}", name=f"create_{one}", status_code=201, openapi_extra=_BODY)
    async def create(request: Request, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        _allow(viewer, Action.CREATE, collection)
        asked = Create(
            principal=viewer.principal,
            collection=collection,
            body=await read_body(request),
            address=client_address(request),
        )
        return answer(await edge_of(request).bus.ask("licensing", "create", asked), 201)

    @router.patch(f"/{collection}/{{id}}", name=f"change_{one}", openapi_extra=_BODY)
    async def change(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
        _allow(viewer, Action.CHANGE, collection)
        asked = Change(
            principal=viewer.principal,
            collection=collection,
            id=identifier(id, one),
            body=await read_body(request),
            address=client_address(request),
        )
        return answer(await edge_of(request).bus.ask("licensing", "change", asked))


#: Made and changed by other routes, or not at all.
_READ_ONLY: tuple[Collection, ...] = ("imports",)

for _collection in get_args(Collection):
    _routes(_collection)
