"""A contract's history: every version that ever was, and who made it so (S-03, S-07)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.diary.access import Action, Viewer
from services.diary.api import API
from services.diary.api.answers import listed
from services.diary.api.bodies import identifier
from services.diary.edge import current_viewer, edge_of, gate
from services.wire.language import N_
from services.wire.requests import ContractVersionsOf

router = APIRouter(prefix=API)


@router.get("/contracts/{id}/versions", dependencies=[gate(Action.READ_CONTRACTS)])
async def read(request: Request, id: str, viewer: Annotated[Viewer, Depends(current_viewer)]) -> Response:
    """``{version, changed_at, by, by_name, changes, contract}``, the newest first; ``changes`` names the fields that
    became others. A version holds for the weeks that are open when it is made, and for no sealed one.
    """
    asked = ContractVersionsOf(principal=viewer.principal, contract=identifier(id, N_("contract")))
    return listed((await edge_of(request).bus.ask("licensing", "contract_versions", asked))["items"])
