"""What pages ask of licensing: its collections, and a person's own account. Who asks is the viewer, never a form."""

from typing import Any, cast

from fastapi import Request
from pydantic import BaseModel

from services.diary.access import Viewer, may_ask
from services.diary.api.bodies import identifier, take
from services.diary.api.collections import collected
from services.diary.edge import client_address, edge_of, renewed
from services.kit.problems import forbidden, not_found
from services.wire.language import N_
from services.wire.requests import Change, Collection, Create, Read, singular

Object = dict[str, Any]

#: What a collection's objects are called (``singular``) where there is no such one.
NAMES = (
    *(N_("workspace"), N_("member"), N_("team"), N_("client"), N_("contract"), N_("licence"), N_("policy")),
    *(N_("profile"), N_("device"), N_("mail"), N_("token"), N_("import"), N_("notice")),
)


async def some(request: Request, viewer: Viewer, collection: Collection, **filters: str) -> list[Object]:
    """What the viewer may see of a collection; 403 where that is nothing by their role."""
    _allow(may_ask(viewer, "read", collection))
    return await collected(request, viewer, collection, filters)


async def one(request: Request, viewer: Viewer, collection: Collection, id: str) -> Object:
    """One object; 404 where it is unknown or another tenant's."""
    _allow(may_ask(viewer, "read", collection))
    what = singular(collection)
    asked = Read(principal=viewer.principal, collection=collection, id=identifier(id, what))
    items = cast(list[Object], (await edge_of(request).bus.ask("licensing", "read", asked))["items"])
    if not items:
        raise not_found(what)
    return items[0]


async def settings(request: Request, viewer: Viewer) -> Object:
    """The settings of the workspace one is in."""
    return await one(request, viewer, "workspaces", viewer.workspace)


async def create(request: Request, viewer: Viewer, collection: Collection, body: Object) -> Object:
    """The new object; 403, 404, 409 or 422 as licensing says."""
    _allow(may_ask(viewer, "create", collection))
    asked = Create(principal=viewer.principal, collection=collection, body=body, address=client_address(request))
    return cast(Object, await edge_of(request).bus.ask("licensing", "create", asked))


async def change(request: Request, viewer: Viewer, collection: Collection, id: str, body: Object) -> Object:
    """The changed object; 403, 404, 409 or 422 as licensing says."""
    _allow(may_ask(viewer, "change", collection))
    asked = Change(
        principal=viewer.principal,
        collection=collection,
        id=identifier(id, singular(collection)),
        body=body,
        address=client_address(request),
    )
    return cast(Object, await edge_of(request).bus.ask("licensing", "change", asked))


async def account(request: Request, verb: str, model: type[BaseModel], **values: Any) -> Any:
    """The answer of a verb of ``services.wire.accounts``; the fields are checked as those of the API are."""
    answer = await edge_of(request).bus.ask("licensing", verb, take(model, values), timeout=10.0)
    if "principal" in values:
        renewed(request, values["principal"], answer)
    return answer


def _allow(may: bool) -> None:
    if not may:
        raise forbidden()
